"""Loaded before Django: the environment of the tests. What is set already stays; `make services` names the servers."""

from __future__ import annotations

import os
import re
from pathlib import Path

SERVICES = Path(__file__).resolve().parent.parent / ".services" / "env"
# `make services` starts Redis with this many.
REDIS_DATABASES = 1024
DEFAULTS = {
    "DATABASE_URL": "postgres://axion:axion@127.0.0.1:55432/axion",
    "REDIS_URL": "redis://127.0.0.1:56379/0",
    "AXION_SECRET_KEY": "a key for tests that guards nothing",
    # Processes of many tests run side by side; the tests of /metrics choose a port.
    "AXION_METRICS_BIND": "",
    "AXION_ENCRYPTION_KEYS": "1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}

if SERVICES.exists():
    for line in SERVICES.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.removeprefix("export ").strip(), value.strip().strip("'\""))
for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)


def own_redis(url: str, worker: str) -> str:
    """The address with a database number of this test process alone, so that no other's flush or message reaches it."""
    number = re.search(r"/(\d+)$", url)
    if not worker or number is None:
        return url
    return f"{url[: number.start()]}/{(int(number[1]) + 1 + int(worker.removeprefix('gw'))) % REDIS_DATABASES}"


os.environ["REDIS_URL"] = own_redis(os.environ["REDIS_URL"], os.environ.get("PYTEST_XDIST_WORKER", ""))
