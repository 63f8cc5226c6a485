"""Typed readers of environment variables. A bad value stops the start and names the variable."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ENCRYPTION_KEY_BYTES = 32
# Seconds; a page waits for it.
MAIL_TIMEOUT = 10
MAIL_PORTS = {"smtp": 587, "smtps": 465}


def text(name: str, default: str | None = None) -> str:
    """Return the value of `name`, or the content of the file that `<name>_FILE` points to, or `default`.

    Raises ImproperlyConfigured when all three are missing or the file cannot be read.
    """
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example.")
    return value


def number(name: str, default: int, *, at_least: int = 0) -> int:
    """Return a whole number not below `at_least`."""
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from error
    if value < at_least:
        raise ImproperlyConfigured(f"{name}={value} must be at least {at_least}.")
    return value


def switch(name: str, *, default: bool) -> bool:
    """Return True for 1/true/yes/on, False for 0/false/no/off, in any case."""
    raw = text(name, "on" if default else "off").lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither on nor off.")


def rate(name: str, default: str) -> str:
    """Return a rate such as 600/min; per s, min, hour or day."""
    value = text(name, default)
    if not re.fullmatch(r"[1-9]\d*/(s|min|hour|day)", value):
        raise ImproperlyConfigured(f"{name}={value!r} is not a rate such as 600/min; per s, min, hour or day.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Return the parts of a comma-separated list, without empty ones."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def web_address(name: str, default: str = "") -> str:
    """Return an address such as https://deploy.example.org, without the slash at its end; may be empty."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    wrong = parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment
    if value and (wrong or parts.username is not None or not value.isprintable()):
        raise ImproperlyConfigured(f"{name}={value!r} is not an address such as https://deploy.example.org.")
    return value


def networks(name: str, default: str = "") -> tuple[IPv4Network | IPv6Network, ...]:
    """Return a comma-separated list of addresses and networks, such as 10.0.0.7,172.16.0.0/12,fd00::/8."""
    try:
        return tuple(ip_network(word) for word in words(name, default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. Write addresses or networks, comma-separated.") from error


def some_of(name: str, allowed: Collection[str]) -> frozenset[str]:
    """Return a comma-separated choice out of `allowed`, none by default."""
    chosen = frozenset(words(name))
    if unknown := sorted(chosen - set(allowed)):
        raise ImproperlyConfigured(f"{name}: {unknown[0]!r} is not one of {', '.join(sorted(allowed))}.")
    return chosen


def choice(name: str, default: str, *, among: Collection[str]) -> str:
    """Return one of these words."""
    value = text(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(among)}.")
    return value


def service_keys(name: str) -> Mapping[str, bytes]:
    """Return keys by service from "graph:<base64 of at least 32 bytes>,..."; none when it is not set."""
    keys: dict[str, bytes] = {}
    for part in words(name):
        service, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ImproperlyConfigured(f"{name}: the key of {service!r} is not base64.") from error
        if not service or service in keys or len(key) < ENCRYPTION_KEY_BYTES:
            raise ImproperlyConfigured(f"{name}: write SERVICE:BASE64, each service once, at least 32 bytes of key.")
        keys[service] = key
    return keys


def service_patterns(name: str, *, services: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Return topics by service from "graph:deployment-service.get*|health.check,..."; none when it is not set."""
    topics: dict[str, tuple[str, ...]] = {}
    for part in words(name):
        service, _, patterns = part.partition(":")
        if service not in services or service in topics or not patterns:
            raise ImproperlyConfigured(f"{name}: write SERVICE:PATTERN|PATTERN, each service that has a key once.")
        topics[service] = tuple(pattern.strip() for pattern in patterns.split("|") if pattern.strip())
    return topics


def encryption_keys(name: str) -> Mapping[int, bytes]:
    """Return keys by version from "1:<base64 of 32 bytes>,2:..."; the highest version encrypts, all decrypt."""
    keys: dict[int, bytes] = {}
    for part in words(name):
        version, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ImproperlyConfigured(f"{name}: the key of version {version!r} is not base64.") from error
        if not version.isdigit() or int(version) < 1 or len(key) != ENCRYPTION_KEY_BYTES:
            raise ImproperlyConfigured(f"{name}: write VERSION:BASE64 with a version from 1 and 32 bytes of key.")
        keys[int(version)] = key
    if not keys:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example.")
    return keys


def queue(redis_url: str) -> dict[str, object]:
    """Return what django-rq is told of a queue. JSON, because whoever writes to Redis must not run code here."""
    return {"URL": redis_url, "DEFAULT_RESULT_TTL": 300, "SERIALIZER": "rq.serializers.JSONSerializer"}


@dataclass(frozen=True, kw_only=True)
class Mail:
    """Django's settings for SMTP; an empty host is none."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    sender: str = "axion-deploy@localhost"


def mail(name: str) -> Mail:
    """Return how e-mail is sent: `smtp` means STARTTLS, `smtps` TLS from the start; empty for not at all."""
    url = text(name, "")
    if not url:
        return Mail()
    try:
        parts = urlsplit(url)
        port = parts.port or MAIL_PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    sender = parse_qs(parts.query).get("from", [""])[0]
    if parts.scheme not in MAIL_PORTS or not parts.hostname or not port or "@" not in sender:
        raise ImproperlyConfigured(f"{name} is smtp://NAME:PASSWORD@HOST:PORT?from=ADDRESS, or smtps://...")
    return Mail(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp",
        tls=parts.scheme == "smtps",
        sender=sender,
    )
