"""Configuration: a TOML file, overridden by AXION_AGENT__SECTION__KEY in the environment."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from agents.runner.errors import ConfigInvalidError

DEFAULT_FILE = Path("/etc/axion/agent.toml")
PREFIX = "AXION_AGENT__"
GIBIBYTE = 1024**3
# telemetry, health, kafka and security are the platform's; what this runner does not use of them it leaves alone.
LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Sections = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`address` is host:port; `secure` means TLS, checked against `ca_file` or the system's authorities."""

    token: str = field(repr=False)
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


def load_config(*, path: Path | None, environment: Mapping[str, str]) -> Config:
    """Read the file (the default one may be missing) and the environment. Raises ConfigInvalidError naming the key."""
    sections = _overridden(sections=_read(path), environment=environment)
    agent, build = sections.get("agent", {}), sections.get("build", {})
    state_dir = Path(_text(agent, "state_dir", "/var/lib/axion-agent"))
    address, secure = _address(_text(sections.get("control_plane", {}), "grpc_url", ""))
    return Config(
        token=_token(agent),
        server_id=_text(agent, "server_id", ""),
        name=_text(agent, "name", ""),
        state_dir=state_dir,
        credential_file=Path(_text(agent, "credential_file", str(state_dir / "credential.json"))),
        address=address,
        secure=secure,
        ca_file=_file(sections.get("control_plane", {}), "ca_file", section_name="control_plane"),
        ca_bundle=_file(build, "ca_bundle", section_name="build"),
        build_parallel=_number(build, "parallel", 2, section_name="build"),
        bundle_cache_bytes=_number(build, "cache_bytes", GIBIBYTE, section_name="build"),
        log_level=_level(sections.get("logging", {})),
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
    """The token itself, or the content of agent.token_file; empty when the agent is enrolled already."""
    path = _file(agent, "token_file", section_name="agent")
    return path.read_text().strip() if path else _text(agent, "token", "")


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


def _level(logging: Mapping[str, object]) -> str:
    level = _text(logging, "level", "INFO").upper()
    if level not in LEVELS:
        raise ConfigInvalidError(f"logging.level: {level!r} is none of {', '.join(sorted(LEVELS))}.")
    return level


def _address(url: str) -> tuple[str, bool]:
    """host:port and whether to use TLS. Without a scheme, only a loopback address is spoken to in the clear."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or port is None:
        raise ConfigInvalidError(f"control_plane.grpc_url: {url!r} is no address such as https://host:50051.")
    secure = parts.hostname not in LOOPBACK if not parts.scheme else parts.scheme in {"https", "grpcs"}
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}", secure
