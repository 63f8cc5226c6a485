"""Installing an agent on a server by SSH; frozen values that know no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID


class InstallationAction(StrEnum):
    INSTALL = "install"
    UNINSTALL = "uninstall"


class InstallationState(StrEnum):
    """PENDING waits for a worker, CONFIRMING for a person who says that the host key is the server's."""

    PENDING = "pending"
    CONFIRMING = "confirming"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (InstallationState.PENDING, InstallationState.CONFIRMING, InstallationState.RUNNING)
ENDED = (InstallationState.SUCCEEDED, InstallationState.FAILED, InstallationState.CANCELLED)


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Step(StrEnum):
    """What is done on the way to an agent, in this order; ROOT is written sudo for people."""

    REACH = "reach"
    SIGN_IN = "sign_in"
    ROOT = "sudo"
    SYSTEM = "system"
    DOCKER = "docker"
    DISK = "disk"
    CLOCK = "clock"
    GATEWAY = "gateway"
    RUNNER = "runner"
    UNIT = "unit"
    HEARTBEAT = "heartbeat"
    REMOVE = "remove"


STEPS: Mapping[InstallationAction, tuple[Step, ...]] = MappingProxyType(
    {
        InstallationAction.INSTALL: tuple(step for step in Step if step is not Step.REMOVE),
        InstallationAction.UNINSTALL: (Step.REACH, Step.SIGN_IN, Step.ROOT, Step.REMOVE),
    }
)


@dataclass(frozen=True, kw_only=True)
class SshLogin:
    """What a person gave to sign in with: a password, or a private key with its passphrase; sudo's if it differs."""

    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    sudo_password: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        return not (self.password or self.private_key)


@dataclass(frozen=True, kw_only=True)
class SshAddress:
    host: str
    port: int
    username: str


@dataclass(frozen=True, kw_only=True)
class InstallationRequest:
    """`host_key`: the fingerprint that the person knows the server by; empty to be asked. `replace`: also an agent
    that is connected. `keep_login`: sealed for the next time. `gateway_url`: as the server reaches it.
    """

    action: InstallationAction
    address: SshAddress
    login: SshLogin
    host_key: str = ""
    install_docker: bool = False
    keep_login: bool = False
    replace: bool = False
    gateway_url: str = ""


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    step: Step
    state: StepState
    message: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class InstallationRecord:
    """`number` rises with every change of it or of its steps."""

    id: UUID
    server_id: UUID
    server_name: str
    action: InstallationAction
    state: InstallationState
    address: SshAddress
    offered_key: str
    known_fingerprint: str
    install_docker: bool
    keep_login: bool
    replace: bool
    gateway_url: str
    attempt: int
    number: int
    message: str
    cancel_requested_at: datetime | None
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None
    steps: tuple[StepRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """How a server is reached by SSH: its pinned host key, and whether a login is kept for the next time."""

    server_id: UUID
    address: SshAddress
    host_key: str
    fingerprint: str
    pinned_at: datetime | None
    pinned_by: str
    has_login: bool
