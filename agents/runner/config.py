"""Configuration: a TOML file, overridden by AXION_AGENT__SECTION__KEY in the environment."""

from __future__ import annotations

import logging as log
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from agents.addresses import is_loopback
from agents.pki.tickets import PLAIN, MalformedTicket, Ticket, parse_ticket
from agents.runner.errors import ConfigInvalidError
from agents.runner.kafka_way.settings import KafkaSettings, read_kafka
from agents.runner.policy.rules import Policy
from agents.runner.policy.section import read_policy, switch

# Beside the credential, once the agent was enrolled by certificate.
CERTIFICATE_FILE = "certificate.json"
DEFAULT_FILE = Path("/etc/axion/agent.toml")
MAX_PORT = 65535
PREFIX = "AXION_AGENT__"
GIBIBYTE = 1024**3
# Seconds without a move of a command's work that the control plane is told of.
STALLED_AFTER = 60
# Seconds that a registry may be away before what needs it fails.
REGISTRY_PATIENCE = 90
# Seconds that a new version of the agent has to say Hello, before the former one goes on.
UPDATE_SECONDS = 60
# telemetry, health and security are the platform's; what this runner does not use of them it leaves alone.
LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
PLAIN_SCHEMES = frozenset({"http", "grpc"})
TLS_SCHEMES = frozenset({"https", "grpcs"})

Sections = dict[str, dict[str, object]]
logger = log.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`address` is host:port; `secure` means TLS, checked by the ticket's pin, `ca_file` or the system's authorities.

    `ticket` is the token taken apart. `address` is empty where neither it nor `control_plane.grpc_url` names one: an
    agent that is enrolled by certificate knows where to go, and one with `kafka` goes over the platform's broker.
    """

    token: str = field(repr=False)
    ticket: Ticket
    server_id: str
    name: str
    state_dir: Path
    credential_file: Path
    address: str
    secure: bool
    ca_file: Path | None
    ca_bundle: Path | None
    build_parallel: int
    bundle_cache_bytes: int
    log_level: str
    policy: Policy
    stalled_after: int
    registry_patience: int
    kafka: KafkaSettings | None = None
    update_seconds: int = UPDATE_SECONDS
    metrics_bind: str = ""


def load_config(*, path: Path | None, environment: Mapping[str, str]) -> Config:
    """Read the file (the default one may be missing) and the environment. Raises ConfigInvalidError naming the key."""
    sections = _overridden(sections=_read(path), environment=environment)
    agent, build = sections.get("agent", {}), sections.get("build", {})
    state_dir = Path(_text(agent, "state_dir", "/var/lib/axion-agent"))
    control_plane = sections.get("control_plane", {})
    insecure = switch(control_plane.get("insecure", False), key="control_plane.insecure")
    token = _token(agent)
    ticket = _ticket(token)
    credential_file = Path(_text(agent, "credential_file", str(state_dir / "credential.json")))
    url = _text(control_plane, "grpc_url", "") or _url_of(ticket)
    # The platform's file may name brokers for other programs: they are the way only where no other is known.
    direct = bool(url) or credential_file.with_name(CERTIFICATE_FILE).exists()
    kafka = None if direct else read_kafka(sections.get("kafka", {}))
    needs_address = kafka is None and not credential_file.exists()
    address, secure = _address(url, insecure=insecure) if url or needs_address else ("", True)
    return Config(
        token=token,
        ticket=ticket,
        server_id=_text(agent, "server_id", ""),
        name=_text(agent, "name", ""),
        state_dir=state_dir,
        credential_file=credential_file,
        address=address,
        secure=secure,
        ca_file=_file(control_plane, "ca_file", section_name="control_plane"),
        ca_bundle=_file(build, "ca_bundle", section_name="build"),
        build_parallel=_number(build, "parallel", 2, section_name="build"),
        bundle_cache_bytes=_number(build, "cache_bytes", GIBIBYTE, section_name="build"),
        log_level=_level(sections.get("logging", {})),
        stalled_after=_number(agent, "stalled_after_seconds", STALLED_AFTER, section_name="agent"),
        registry_patience=_number(agent, "registry_patience_seconds", REGISTRY_PATIENCE, section_name="agent"),
        policy=read_policy(sections.get("policy", {}), state_dir=state_dir),
        kafka=kafka,
        metrics_bind=_local(sections.get("metrics", {})),
        update_seconds=_number(agent, "update_seconds", UPDATE_SECONDS, section_name="agent"),
    )


def _read(path: Path | None) -> Sections:
    if path is None and not DEFAULT_FILE.exists():
        return {}
    try:
        with (path or DEFAULT_FILE).open("rb") as file:
            document = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalidError(f"{path or DEFAULT_FILE} cannot be read: {error}") from error
    stray = [name for name, section in document.items() if not isinstance(section, dict)]
    if stray:
        raise ConfigInvalidError(f"{path or DEFAULT_FILE}: {stray[0]} stands outside a section.")
    return document


def _overridden(*, sections: Sections, environment: Mapping[str, str]) -> Sections:
    merged = {name: dict(section) for name, section in sections.items()}
    for name, value in environment.items():
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if name.startswith(PREFIX) and separator and key:
            merged.setdefault(section, {})[key] = value
    return merged


def _text(section: Mapping[str, object], key: str, default: str) -> str:
    return str(section.get(key, default)).strip()


def _token(agent: Mapping[str, object]) -> str:
    """Return the token itself, or the content of agent.token_file; empty when the agent is enrolled already."""
    path = _file(agent, "token_file", section_name="agent")
    return path.read_text().strip() if path else _text(agent, "token", "")


def _ticket(token: str) -> Ticket:
    try:
        return parse_ticket(token)
    except MalformedTicket as error:
        raise ConfigInvalidError(f"agent.token: {error}") from error


def _url_of(ticket: Ticket) -> str:
    """Return where the token leads, and whether encrypted; empty where it does not say."""
    if not ticket.address:
        return ""
    return f"{'http' if ticket.pin == PLAIN else 'https'}://{ticket.address}"


def _file(section: Mapping[str, object], key: str, *, section_name: str) -> Path | None:
    text = _text(section, key, "")
    if text and not Path(text).is_file():
        raise ConfigInvalidError(f"{section_name}.{key}: there is no file {text}.")
    return Path(text) if text else None


def _number(section: Mapping[str, object], key: str, default: int, *, section_name: str) -> int:
    text = _text(section, key, str(default))
    if not text.isdigit() or int(text) < 1:
        raise ConfigInvalidError(f"{section_name}.{key}: {text!r} is not a positive number.")
    return int(text)


def _local(metrics: Mapping[str, object]) -> str:
    """Return HOST:PORT of this machine alone; empty for none."""
    bind = _text(metrics, "bind", "")
    host, _, port = bind.rpartition(":")
    if bind and not (is_loopback(host) and port.isdigit() and int(port) <= MAX_PORT):
        raise ConfigInvalidError(
            f"metrics.bind: {bind!r} is no port of this machine alone, such as 127.0.0.1:9470. What reads it from"
            " elsewhere has to go through a program on this machine."
        )
    return bind


def _level(logging: Mapping[str, object]) -> str:
    level = _text(logging, "level", "INFO").upper()
    if level not in LEVELS:
        raise ConfigInvalidError(f"logging.level: {level!r} must be one of {', '.join(sorted(LEVELS))}.")
    return level


def _address(url: str, *, insecure: bool) -> tuple[str, bool]:
    """Return host:port and whether to use TLS. Plain text stays on this machine unless `insecure` is set."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or port is None or parts.scheme not in {"", *PLAIN_SCHEMES, *TLS_SCHEMES}:
        raise ConfigInvalidError(f"control_plane.grpc_url: {url!r} is not an address such as https://host:50051.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    local = is_loopback(parts.hostname)
    secure = not local if not parts.scheme else parts.scheme in TLS_SCHEMES
    if not secure and not local:
        _allow_plain_text(host, insecure=insecure)
    return f"{host}:{port}", secure


def _allow_plain_text(host: str, *, insecure: bool) -> None:
    if not insecure:
        raise ConfigInvalidError(
            f"control_plane.grpc_url: {host} would be spoken to in the clear. Whoever is on the way could read this "
            "agent's credential and every secret, and give this machine orders. Use https://, with "
            "control_plane.ca_file if need be, or set control_plane.insecure = true where the line itself is safe, as "
            "in a VPN."
        )
    logger.warning("control_plane.insecure: %s is spoken to in the clear", host)
