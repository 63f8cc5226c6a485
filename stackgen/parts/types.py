"""What one node becomes, before any engine's file format: the common ground of Compose and Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stackgen.databases.kind import Volume
from stackgen.nodes import Node, PublishedPort


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedFile:
    """A text of ours in the container. `file` is its name among the stack's files.

    `text` is it as a file holds it, `content` as Compose takes it: `$` is doubled or meant. Without it all are
    plain.
    """

    name: str
    file: str
    target: str
    text: str
    content: str | None = None
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """The value of a variable as a file in the container. `name` is that of the secret in the stack's file."""

    name: str
    target: str
    variable: str
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """How the node's code is built beyond its Dockerfile; paths within the code, `dockerfile` within the folder.

    `secrets`: what the Dockerfile calls a secret, and the variable that carries it.
    """

    folder: str = ""
    dockerfile: str = ""
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One service. Texts in `environment`, `command` and `health` are ready for Compose: `$` is doubled or meant.

    `has_own_check`: its image says how it is asked. `aliases`: further names on its networks.
    `dockerfile` is the text we wrote; empty with a bundle means the bundle's own. What reaches beyond the
    container stands in the node's settings alone.
    """

    node: Node
    name: str
    image: str
    bundle_digest: str = ""
    dockerfile: str = ""
    dockerignore: str = ""
    build: BuildOrder = BuildOrder()
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    health_off: bool = False
    has_own_check: bool = False
    aliases: tuple[str, ...] = ()
    health_start_seconds: int = 60
    health_interval_seconds: int = 0
    health_timeout_seconds: int = 3
    volumes: tuple[Volume, ...] = ()
    files: tuple[MountedFile, ...] = ()
    secret_files: tuple[SecretFile, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    fixed_hostname: bool = False
    stop_grace_seconds: int = 10

    @property
    def is_asked(self) -> bool:
        """Whether Docker asks it for its health, by a check of ours or of its image."""
        return bool(self.health) or (self.has_own_check and not self.health_off)

    @property
    def is_job(self) -> bool:
        """Whether it runs to its end, and nothing calls it."""
        return bool(self.node.settings.run)
