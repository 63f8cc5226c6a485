"""What a bare Debian machine lacks for the tests, installed when we are root; elsewhere nothing happens here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from axion_deploy.embedded.binaries import find_postgres
from tests.servers.errors import Unavailable
from tests.servers.places import PROVISION

INSTALL_SECONDS = 900
BROWSER = Path("/usr/bin/chromium")
# Quiet about Debian's own cluster on port 5432: the tests make theirs.
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/axion-tests.conf")


def install_missing() -> None:
    """Raises Unavailable when apt fails."""
    packages = list(_missing_packages())
    if not packages or os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        return
    print(f"installing {' '.join(packages)} ...", flush=True)
    with_cluster_switch = "postgresql" in packages
    if with_cluster_switch:
        NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        NO_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        done = subprocess.run(
            ["bash", "-c", '. "$0" && apt_install "$@"', str(PROVISION / "apt.sh"), *packages],
            stdin=subprocess.DEVNULL,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    finally:
        if with_cluster_switch:
            NO_CLUSTER.unlink(missing_ok=True)
    if done.returncode != 0:
        raise Unavailable(f"apt could not install {' '.join(packages)}, see above.")


def _missing_packages() -> Iterator[str]:
    if not os.environ.get("DATABASE_URL") and find_postgres(only="path") is None:
        yield "postgresql"
    if not os.environ.get("REDIS_URL") and shutil.which("redis-server") is None:
        yield "redis-server"
    if not os.environ.get("KAFKA_BROKERS"):
        if shutil.which("java") is None:
            yield "default-jre-headless"
        if shutil.which("mvn") is None:
            yield "maven"
    if not BROWSER.exists():
        yield "chromium"
        # Without any font a page has boxes for letters.
        yield "fonts-dejavu-core"
    if not any(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")):
        # Gives single processes a wrong clock.
        yield "libfaketime"
