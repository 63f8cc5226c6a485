"""Commands as JSON and back, for the ledger's payload column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from agents.command_types import InspectHostCommand, RegistryCleanup
from agents.states import CommandKind
from agents.types import (
    AgentCommand,
    BuildCommand,
    CheckReachCommand,
    CheckRegistryCommand,
    DeleteVolumeCommand,
    DeployCommand,
    Endpoint,
    JobSpec,
    RevertCommand,
    ServiceSpec,
    SwarmCommand,
)


def kind_of(command: AgentCommand) -> CommandKind:
    if isinstance(command, DeleteVolumeCommand):
        return CommandKind.DELETE_VOLUME
    if isinstance(command, SwarmCommand):
        return CommandKind.SWARM
    if isinstance(command, CheckReachCommand):
        return CommandKind.CHECK_REACH
    if isinstance(command, InspectHostCommand):
        return CommandKind.INSPECT_HOST
    if isinstance(command, CheckRegistryCommand):
        return CommandKind.CHECK_REGISTRY
    if isinstance(command, BuildCommand):
        return CommandKind.BUILD
    return CommandKind.DEPLOY if isinstance(command, DeployCommand) else CommandKind.REVERT


def to_json(command: AgentCommand) -> dict[str, Any]:
    payload = asdict(command)
    if isinstance(command, DeployCommand):
        payload |= _mappings(command)
    if isinstance(command, BuildCommand):
        payload["order"] |= _mappings(command.order)
    return payload


def _mappings(command: DeployCommand) -> dict[str, Any]:
    """Return those fields that may be read-only views, as JSON takes them."""
    names = ("files", "pinned_images", "takes_over", "built_images", "moves")
    return {name: dict(getattr(command, name)) for name in names}


def from_json(*, kind: CommandKind, payload: dict[str, Any]) -> AgentCommand:
    """Return the command that `to_json` was given. What another version did not store takes its
    default; what only a newer one knows is left out.
    """
    if kind is CommandKind.REVERT:
        return RevertCommand(**_known(RevertCommand, payload))
    if kind is CommandKind.DELETE_VOLUME:
        return DeleteVolumeCommand(**_known(DeleteVolumeCommand, payload))
    if kind is CommandKind.SWARM:
        addresses = {"manager_addresses": tuple(payload.get("manager_addresses", ()))}
        return SwarmCommand(**{**_known(SwarmCommand, payload), **addresses})
    if kind is CommandKind.CHECK_REACH:
        return CheckReachCommand(endpoints=tuple(Endpoint(**_known(Endpoint, each)) for each in payload["endpoints"]))
    if kind is CommandKind.INSPECT_HOST:
        return InspectHostCommand()
    if kind is CommandKind.CHECK_REGISTRY:
        return CheckRegistryCommand(**_known(CheckRegistryCommand, payload))
    if kind is CommandKind.BUILD:
        return BuildCommand(order=_deploy(payload["order"]), variable_names=tuple(payload.get("variable_names", ())))
    return _deploy(payload)


def _deploy(payload: Mapping[str, Any]) -> DeployCommand:
    lists = {
        "services": tuple(_service(service) for service in payload["services"]),
        "jobs": tuple(_job(job) for job in payload.get("jobs", ())),
        **{name: tuple(payload.get(name, ())) for name in ("variable_names", "restarts", "adopted_volumes")},
        "registry_cleanup": _cleanup(payload.get("registry_cleanup")),
    }
    return DeployCommand(**{**_known(DeployCommand, payload), **lists})


def _cleanup(stored: Mapping[str, Any] | None) -> RegistryCleanup | None:
    if stored is None:
        return None
    return RegistryCleanup(**{name: tuple(each) for name, each in _known(RegistryCleanup, stored).items()})


def _service(stored: Mapping[str, Any]) -> ServiceSpec:
    return ServiceSpec(**{**_known(ServiceSpec, stored), "depends_on": tuple(stored.get("depends_on", ()))})


def _job(stored: Mapping[str, Any]) -> JobSpec:
    lists = {"service": _service(stored["service"]), "needs": tuple(stored.get("needs", ()))}
    return JobSpec(**{**_known(JobSpec, stored), **lists})


def _known(kind: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in stored.items() if name in names}
