"""Registries as data: what people say of one, what doors show, and what an agent signs in with. Frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class CheckState(StrEnum):
    """How the newest test of a registry went; UNKNOWN: nobody can say, since the agent never answered."""

    NONE = ""
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class NewRegistry:
    """A registry as somebody asks for it: of the caller, of a project, or of everybody. The password is secret."""

    name: str
    address: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_certificate: str = field(default="", repr=False)
    namespace: str = "axion"
    project_id: UUID | None = None
    of_installation: bool = False


@dataclass(frozen=True, kw_only=True)
class RegistryChange:
    """What becomes different; None leaves it. The password is secret."""

    name: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_certificate: str | None = field(default=None, repr=False)
    namespace: str | None = None


@dataclass(frozen=True, kw_only=True)
class RegistryRecord:
    """A registry as the doors show it: never its password. Without owner and project it is the installation's."""

    id: UUID
    name: str
    address: str
    namespace: str
    username: str
    ca_certificate: str
    owner_id: UUID | None
    project_id: UUID | None
    project_name: str
    created_at: datetime
    changed_at: datetime
    check_id: UUID | None
    check_state: CheckState
    check_message: str
    check_server_name: str
    checked_at: datetime | None

    @property
    def of_installation(self) -> bool:
        return self.owner_id is None and self.project_id is None


@dataclass(frozen=True, kw_only=True)
class SealedRegistry:
    """A registry with its sealed password, for who opens it."""

    record: RegistryRecord
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class OpenLogin:
    """What an agent needs to get at a registry; the password is open, so it goes to that agent and nowhere else."""

    name: str
    address: str
    username: str
    password: str = field(repr=False)
    ca_certificate: str = field(repr=False)
