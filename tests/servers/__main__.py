"""`python -m tests.servers up` brings up the servers of the tests, named in .services/env; `down` ends ours."""

from __future__ import annotations

import fcntl
import logging
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from axion_deploy.demo.ledger import Ledger
from axion_deploy.embedded.errors import EmbeddedError
from tests.servers.debian import BROWSER, install_missing
from tests.servers.docker_engine import ensure_docker, stop_docker
from tests.servers.errors import Unavailable
from tests.servers.kafka_broker import ensure_kafka
from tests.servers.own_registry import find_program
from tests.servers.places import ENVIRONMENT_FILE, FOLDER, LEDGER_FILE
from tests.servers.postgresql import ensure_postgres
from tests.servers.redis_server import ensure_redis

LOCK_SECONDS = 900
POLL_SECONDS = 0.2


def main(arguments: list[str]) -> int:
    if arguments not in (["up"], ["down"]):
        print("usage: python -m tests.servers up|down", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    try:
        with _alone():
            up() if arguments == ["up"] else down()
    except (Unavailable, EmbeddedError) as error:
        print(f"services: {error}", file=sys.stderr)
        return 1
    return 0


def up() -> None:
    """Everything answers when this returns. What answers already is used; what is started is noted for `down`."""
    install_missing()
    find_program()
    ledger = Ledger(LEDGER_FILE)
    with ThreadPoolExecutor(max_workers=1) as background:
        docker = background.submit(ensure_docker)
        values = {
            "DATABASE_URL": ensure_postgres(ledger=ledger),
            "REDIS_URL": ensure_redis(ledger=ledger),
            "KAFKA_BROKERS": ensure_kafka(ledger=ledger),
        }
        docker.result()
    if os.environ.get("DOCKER_HOST"):
        values["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    _write(values)
    for name, value in values.items():
        print(f"{name}={value}")
    if not BROWSER.exists():
        print(f"no browser at {BROWSER}: tests of pages need one (Debian's package chromium)", file=sys.stderr)


def down() -> None:
    """Ends what `up` of this clone started; servers of others and all data stay."""
    for name in Ledger(LEDGER_FILE).end_leftovers():
        print(f"stopped {name}")
    stop_docker()
    ENVIRONMENT_FILE.unlink(missing_ok=True)


def _write(values: Mapping[str, str]) -> None:
    draft = ENVIRONMENT_FILE.with_suffix(".new")
    draft.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    draft.replace(ENVIRONMENT_FILE)


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time on this machine: two clones would install and start the same servers."""
    path = Path(gettempdir()) / f"axion-services-{os.getuid()}.lock"
    deadline = time.monotonic() + LOCK_SECONDS
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable(f"another clone has held {path} for {LOCK_SECONDS} s.") from None
                time.sleep(POLL_SECONDS)
        yield


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    sys.exit(main(sys.argv[1:]))
