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

# More than a project keeps by itself; those beyond are shown on the page of its history.
MAX_BEFORE = 20


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
    """Return which of the kept versions before this success cannot be brought back, on a host that lacks these images.

    Empty when all can, and where there is none that the project keeps.
    """
    host = Host(missing_images=missing_images)
    earlier = history.before(deployment=deployments.get(deployment_id=deployment_id), limit=MAX_BEFORE)
    found = [
        (entry.version, reason)
        for entry in earlier
        if not entry.dropped and entry.kind != Kind.STOP and (reason := why_not(entry=entry, host=host))
    ]
    if not found:
        return ""
    version, reason = found[0]
    others = ", ".join(str(each) for each, _ in found[1:])
    more = f" Nor can {others}." if others else ""
    return f"Version {version} cannot be restored. {reason}{more}"


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
    if why := target_agents.why_unready(target):
        return Host(why_not=why)
    if agent.presence is Presence.LOST:
        return Host(why_not="The agent of its host is out of reach.")
    inventory = gateway.host_inventory(agent_id=agent.id)
    return Host(missing_images=frozenset() if inventory is None else inventory.missing_image_ids)
