"""Loaded before Django: the environment of the tests. What is set already stays; `make services` names the servers."""

import os
from pathlib import Path

SERVICES = Path(__file__).resolve().parent.parent / ".services" / "env"
DEFAULTS = {
    "DATABASE_URL": "postgres://axion:axion@127.0.0.1:55432/axion",
    "REDIS_URL": "redis://127.0.0.1:56379/0",
    "AXION_SECRET_KEY": "a key for tests that guards nothing",
    "AXION_ENCRYPTION_KEYS": "1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}

if SERVICES.exists():
    for line in SERVICES.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.removeprefix("export ").strip(), value.strip().strip("'\""))
for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)
