"""Where the servers of the tests live: ports shared by all clones of this machine, one folder per clone."""

from __future__ import annotations

import hashlib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROVISION = REPOSITORY / "axion_deploy" / "provision"
FOLDER = REPOSITORY / ".services"
ENVIRONMENT_FILE = FOLDER / "env"
LEDGER_FILE = FOLDER / "processes.json"
DOCKER_FOLDER = FOLDER / "docker"

POSTGRES_PORT = 55432
REDIS_PORT = 56379
KAFKA_PORT = 59092

# A different number for each clone, so that clones which share a server do not share data.
CLONE = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:8]
