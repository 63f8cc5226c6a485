"""Commands as JSON and back, for the ledger's payload column."""

from dataclasses import asdict
from typing import Any

from agents.types import AgentCommand, CommandKind, DeployCommand, RevertCommand, ServiceSpec


def kind_of(command: AgentCommand) -> CommandKind:
    return CommandKind.DEPLOY if isinstance(command, DeployCommand) else CommandKind.REVERT


def to_json(command: AgentCommand) -> dict[str, Any]:
    payload = asdict(command)
    if isinstance(command, DeployCommand):
        payload["files"] = dict(command.files)
        payload["pinned_images"] = dict(command.pinned_images)
    return payload


def from_json(*, kind: CommandKind, payload: dict[str, Any]) -> AgentCommand:
    """The command that `to_json` was given; fields a newer version added take their defaults."""
    if kind is CommandKind.REVERT:
        return RevertCommand(**payload)
    services = tuple(
        ServiceSpec(**{**service, "depends_on": tuple(service["depends_on"])}) for service in payload["services"]
    )
    return DeployCommand(**{**payload, "services": services, "variable_names": tuple(payload["variable_names"])})
