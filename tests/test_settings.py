"""settings.py, .env.example and docker-compose.yml name the same settings, with the same values by themselves."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# For our own work alone.
NOT_OFFERED = {"AXION_DEBUG"}
# Made of the passwords by docker-compose.yml.
COMPOSED = {"DATABASE_URL", "REDIS_URL"}
# What docker-compose.yml itself takes, and hands to no process of ours under this name.
OF_COMPOSE = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "AXION_WEB_PUBLISH"}
NEEDED = {
    "DATABASE_URL": "postgres://axion@127.0.0.1:1/axion",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "AXION_SECRET_KEY": "unused",
    "AXION_ENCRYPTION_KEYS": "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}
# In containers: a broker beside us, a port that is published, and a log for machines.
OTHERWISE = {"KAFKA_BROKERS", "AXION_GATEWAY_BIND", "AXION_GATEWAY_PUBLISH", "LOGGING"}
# Holds functions, which are never the same twice.
NO_VALUE = {"UNFOLD"}


def offered() -> dict[str, str]:
    """What .env.example says, by name."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))


def composed() -> dict[str, str]:
    """What docker-compose.yml hands to our processes where .env says nothing, by name; empty for what must be said."""
    service = (ROOT / "docker-compose.yml").read_text().partition("environment: &axion-environment\n")[2]
    block = service.partition("  depends_on:")[0]
    found = re.findall(r"^    ([A-Z_]+): \$\{(\1)(?::?-|:\?)(.*)\}$", block, re.MULTILINE)
    assert len(found) + len(COMPOSED) == len(block.splitlines())
    return {name: value for name, _, value in found}


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """The settings of a process with this environment."""
    for name in offered():
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = runpy.run_path(str(ROOT / "axion_deploy" / "settings.py"))
    return {
        name: value
        for name, value in settings.items()
        if name.isupper() and not name.startswith("_") and name not in NO_VALUE
    }


def test_every_setting_is_offered_and_handed_on() -> None:
    text = (ROOT / "axion_deploy" / "settings.py").read_text()
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text)) - NOT_OFFERED
    assert offered().keys() - OF_COMPOSE == names - COMPOSED
    assert composed().keys() == names - COMPOSED


def test_what_is_offered_is_what_holds_where_env_says_nothing() -> None:
    assert {name: value for name, value in offered().items() if name not in OF_COMPOSE} == composed()


def test_what_is_offered_is_what_settings_take_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = read(monkeypatch, **NEEDED)
    said = read(monkeypatch, **{**offered(), **NEEDED})
    assert {name for name in alone if str(alone[name]) != str(said[name])} <= OTHERWISE
