"""Whether a kept success can be brought back now, and why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from agents import gateway
from agents.services import directory
from agents.states import Presence
from deployments.clients.infrastructure import infrastructure
from deployments.errors import DeployError
from deployments.repositories import deployments, history, removed_machines
from deployments.services.permissions import target_agents
from deployments.services.secrets import sealing
from deployments.states import Kind
from deployments.types import HistoryEntry, Target, TargetKind


@dataclass(frozen=True, kw_only=True)
class Host:
    """What is known of a target's host: why it can do nothing, or else which images it said that it misses."""

    why_not: str = ""
    missing_images: frozenset[str] = frozenset()


def judge(entry: HistoryEntry) -> HistoryEntry:
    """Return the entry with `restorable` and `why_not` as of now."""
    return judge_all((entry,))[0]


def judge_all(entries: tuple[HistoryEntry, ...]) -> tuple[HistoryEntry, ...]:
    """Return the entries with `restorable` and `why_not` as of now; asks once per target."""
    hosts = {target: _host_of(target) for target in {entry.target for entry in entries}}
    return tuple(_judged(entry=entry, host=hosts[entry.target]) for entry in entries)


def why_not(*, entry: HistoryEntry, host: Host) -> str:
    """Return one sentence, the one that lasts longest first; empty when it can be restored."""
    if entry.kind == Kind.STOP:
        return "Nothing ran: the project was stopped."
    if entry.dropped:
        return "It is older than what the project keeps."
    if not sealing.has_key(entry.key_version):
        return f"Its values are sealed with encryption key {entry.key_version}, which is not configured."
    if host.why_not:
        return host.why_not
    if missing := sorted(name for name, image in entry.images.items() if image in host.missing_images):
        return f"Images are no longer on the host: {', '.join(missing)}."
    return ""


def why_not_before(*, deployment_id: UUID, missing_images: frozenset[str]) -> str:
    """Return why the version before this success cannot be brought back, on a host that lacks these images.

    Empty when it can, and where there is none that the project keeps.
    """
    earlier = history.before(deployment=deployments.get(deployment_id=deployment_id), limit=1)
    for entry in earlier:
        reason = "" if entry.dropped else why_not(entry=entry, host=Host(missing_images=missing_images))
        return f"Version {entry.version} cannot be restored. {reason}" if reason else ""
    return ""


def _judged(*, entry: HistoryEntry, host: Host) -> HistoryEntry:
    reason = why_not(entry=entry, host=host)
    return replace(entry, restorable=not reason, why_not=reason)


def _host_of(target: Target) -> Host:
    if name := removed_machines.former_name(target.id):
        return Host(why_not=f"{name} was deleted.")
    if target.kind is TargetKind.CLUSTER:
        # What a node lacks it pulls by its digest.
        return Host(why_not=target_agents.why_unready(target))
    try:
        agent = directory.get_agent(agent_id=infrastructure().agent_of(target=target))
    except DeployError as error:
        return Host(why_not=error.message)
    if agent.presence is Presence.LOST:
        return Host(why_not="The agent of its host is out of reach.")
    inventory = gateway.host_inventory(agent_id=agent.id)
    return Host(missing_images=frozenset() if inventory is None else inventory.missing_image_ids)
