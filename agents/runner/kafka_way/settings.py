"""The [kafka] section: how this agent reaches the platform's broker where it cannot reach the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.runner.errors import ConfigInvalidError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
ANSWER_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """`brokers` are host:port, comma-separated in the file."""

    brokers: tuple[str, ...]
    security: str
    mechanism: str
    username: str
    password: str = field(repr=False)
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None

    def connection(self, client_id: str) -> Mapping[str, Any]:
        """Return what every client takes. A broker's certificate must bear the name by which it is reached."""
        chosen: dict[str, Any] = {
            "bootstrap_servers": list(self.brokers),
            "client_id": client_id,
            "bootstrap_timeout_ms": ANSWER_MS,
            "request_timeout_ms": ANSWER_MS,
            "reconnect_backoff_max_ms": 1_000,
            "security_protocol": self.security,
        }
        if self.security.endswith("SSL"):
            files = {"ssl_cafile": self.ca_file, "ssl_certfile": self.cert_file, "ssl_keyfile": self.key_file}
            chosen |= {"ssl_check_hostname": True, **{name: str(path) for name, path in files.items() if path}}
        if self.security.startswith("SASL"):
            chosen |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return chosen


def read_kafka(kafka: Mapping[str, object]) -> KafkaSettings | None:
    """Read the section; None where it names no brokers. Raises ConfigInvalidError naming the key."""
    brokers = _words(kafka, "brokers", "")
    if not brokers:
        return None
    settings = KafkaSettings(
        brokers=brokers,
        security=_choice(kafka, "security", "PLAINTEXT", among=PROTOCOLS),
        mechanism=_choice(kafka, "sasl_mechanism", "SCRAM-SHA-512", among=MECHANISMS),
        username=_text(kafka, "username", ""),
        password=_content(kafka, "password_file") or _text(kafka, "password", ""),
        ca_file=_file(kafka, "ca_file"),
        cert_file=_file(kafka, "cert_file"),
        key_file=_file(kafka, "key_file"),
    )
    if settings.security.startswith("SASL") and not (settings.username and settings.password):
        raise ConfigInvalidError(f"kafka.security: {settings.security} needs kafka.username and kafka.password_file.")
    return settings


def _text(section: Mapping[str, object], key: str, default: str) -> str:
    return str(section.get(key, default)).strip()


def _words(section: Mapping[str, object], key: str, default: str) -> tuple[str, ...]:
    listed = section.get(key, default)
    names = [str(each) for each in listed] if isinstance(listed, list) else str(listed).split(",")
    return tuple(filter(None, (each.strip() for each in names)))


def _choice(section: Mapping[str, object], key: str, default: str, *, among: tuple[str, ...]) -> str:
    chosen = _text(section, key, default).upper()
    if chosen not in among:
        raise ConfigInvalidError(f"kafka.{key}: {chosen!r} must be one of {', '.join(among)}.")
    return chosen


def _content(section: Mapping[str, object], key: str) -> str:
    path = _file(section, key)
    return path.read_text().strip() if path else ""


def _file(section: Mapping[str, object], key: str) -> Path | None:
    name = _text(section, key, "")
    if name and not Path(name).is_file():
        raise ConfigInvalidError(f"kafka.{key}: there is no file {name}.")
    return Path(name) if name else None
