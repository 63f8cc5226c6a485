"""Agents: who they are, whether they are there, which session speaks for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now

from agents.condition import condition_of
from agents.hello import SpeakingAgent
from agents.models import Agent, CommandRecord, Server
from agents.models.machines import lost_after, silent_after
from agents.retention import HostInventory
from agents.states import OPEN, presence
from agents.swarm import facts_of
from agents.types import AgentData, AgentHealth, AgentInfo

# What another version stored besides is left alone.
HEALTH_FIELDS = frozenset(each.name for each in fields(AgentHealth))


def by_credential(*, credential_hash: str) -> tuple[AgentData, str] | None:
    """Return the active agent with this credential and the stored hash, for the caller to compare."""
    record = _read().active().filter(credential_hash=credential_hash).first()
    return None if record is None else (as_data(record), record.credential_hash)


def credential_hash_of(*, agent_id: UUID) -> str | None:
    return Agent.objects.active().filter(id=agent_id).values_list("credential_hash", flat=True).first()


def get(*, agent_id: UUID) -> AgentData | None:
    """Return the active agent with this id."""
    record = _read().active().filter(id=agent_id).first()
    return None if record is None else as_data(record)


def of_server(*, server_id: UUID) -> AgentData | None:
    record = _read().active().filter(server_id=server_id).first()
    return None if record is None else as_data(record)


def of_servers(*, server_ids: Collection[UUID]) -> dict[UUID, AgentData]:
    """Return the active agents of these servers, by server."""
    return {record.server_id: as_data(record) for record in _read().active().filter(server_id__in=server_ids)}


def servers_online(*, server_ids: Collection[UUID]) -> tuple[UUID, ...]:
    """Return those of these servers whose agent is online."""
    return tuple(Agent.objects.online().filter(server_id__in=server_ids).values_list("server_id", flat=True))


def of_owner(*, owner_id: UUID, offset: int, limit: int) -> tuple[tuple[AgentData, ...], int]:
    """Return one page of the owner's active agents, newest first, and how many there are."""
    records = _read().active().filter(owner_id=owner_id).order_by("-enrolled_at", "id")
    return tuple(as_data(record) for record in records[offset : offset + limit]), records.count()


def enrol(
    *,
    server_id: UUID,
    owner_id: UUID,
    new_id: UUID,
    credential_hash: str,
    info: AgentInfo,
    sealing_key: bytes | None = None,
) -> UUID:
    """Give the server's agent a new credential; the old one and its session end. Returns the agent's id.

    With a `sealing_key` it is one that gets a certificate. Must run inside a transaction. The same server and owner
    keep their agent, and with it its unfinished commands.
    """
    facts = {
        **_described(info),
        "credential_hash": credential_hash,
        "session_id": None,
        "enrolled_at": Now(),
        # It may be another machine by now.
        "missing_images": None,
        "inventory_at": None,
        "condition": None,
        "condition_at": None,
        "swarm": None,
        "swarm_at": None,
        "former_instance_id": "",
        "refused_instance_id": "",
        "trouble": "",
        "clock_skew_ms": None,
        "certified": sealing_key is not None,
        "sealing_key": sealing_key,
    }
    present = Agent.objects.select_for_update(no_key=True).active().filter(server_id=server_id).first()
    if present is not None and present.owner_id == owner_id:
        Agent.objects.filter(id=present.id).update(**facts)
        return present.id
    if present is not None:
        Agent.objects.filter(id=present.id).update(revoked_at=Now(), session_id=None)
    new = Agent.objects.create(id=new_id, server_id=server_id, owner_id=owner_id, **facts).id
    _take_over(agent_id=new, server_id=server_id, owner_id=owner_id)
    return new


def _take_over(*, agent_id: UUID, server_id: UUID, owner_id: UUID) -> None:
    """Give the agent what those before it, of the same owner and server, left open; orders to go back too."""
    former = Agent.objects.filter(server_id=server_id, owner_id=owner_id).exclude(id=agent_id)
    CommandRecord.objects.filter(agent__in=former, status__in=OPEN).update(agent_id=agent_id)


def is_connected(*, server_id: UUID) -> bool:
    """Tell whether the server has an agent that was heard lately; it stays as it is until the transaction ends."""
    present = Agent.objects.select_for_update(no_key=True).active().filter(server_id=server_id)
    return present.filter(last_seen_at__gt=Now() - lost_after()).first() is not None


def is_certified(*, agent_id: UUID) -> bool:
    """Tell whether the active agent has a certificate; its row is locked until the caller's transaction ends."""
    rows = Agent.objects.select_for_update(no_key=True).active().filter(id=agent_id)
    return bool(rows.values_list("certified", flat=True).first())


def revoke(*, agent_id: UUID, why: str = "") -> bool:
    """End the agent's credential and session, and keep why; False when it had ended before."""
    said = {"trouble": why} if why else {}
    return Agent.objects.active().filter(id=agent_id).update(revoked_at=Now(), session_id=None, **said) == 1


def why_ended(*, credential_hash: str) -> str:
    """Return why this credential ended; empty for one that is not ours, is good, or ended without a reason."""
    ended = Agent.objects.filter(credential_hash=credential_hash, revoked_at__isnull=False)
    return ended.values_list("trouble", flat=True).first() or ""


def ended_credential_of(*, agent_id: UUID) -> tuple[str, str] | None:
    """Return a revoked agent's credential by its hash, and why it ended; None for any other."""
    ended = Agent.objects.filter(id=agent_id, revoked_at__isnull=False)
    return ended.values_list("credential_hash", "trouble").first()


def lock_session(*, agent_id: UUID, session_id: UUID) -> SpeakingAgent | None:
    """Return the active agent for whom this session speaks, if it does. Its row is locked: inside a transaction."""
    rows = Agent.objects.select_for_update(no_key=True).active().filter(id=agent_id, session_id=session_id)
    row = rows.values_list("server_id", "clock_skew_ms").first()
    return None if row is None else SpeakingAgent(server_id=row[0], skew_ms=row[1] or 0)


def has_session(*, agent_id: UUID, session_id: UUID) -> bool:
    """Tell whether this session speaks for the agent, which is active."""
    return Agent.objects.active().filter(id=agent_id, session_id=session_id).exists()


def command_version(*, agent_id: UUID, kind: str) -> int:
    """Return the newest version of this kind of command that the agent, when it connected, said it knows; or 0."""
    understands = Agent.objects.filter(id=agent_id).values_list("understands", flat=True).first()
    return int((understands or {}).get(kind, 0))


def build_of(*, agent_id: UUID) -> str:
    """Return the build that the agent said it is when it connected last; empty where it did not tell."""
    return Agent.objects.filter(id=agent_id).values_list("build", flat=True).first() or ""


def refuse_instance(*, agent_id: UUID, instance_id: str, trouble: str) -> None:
    """Note that this process of the agent is refused, and what a person must look at."""
    Agent.objects.filter(id=agent_id).update(refused_instance_id=instance_id, trouble=trouble)


def inventory(*, agent_id: UUID) -> HostInventory | None:
    """Return what the active agent's host lacks; None until it said so."""
    found = Agent.objects.active().filter(id=agent_id).values_list("missing_images", "inventory_at").first()
    if found is None or found[0] is None or found[1] is None:
        return None
    return HostInventory(missing_image_ids=frozenset(found[0]), checked_at=found[1])


def missing_images(*, agent_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """Return what the hosts of these active agents lack, by agent; those that have not looked are left out."""
    rows = Agent.objects.active().filter(id__in=agent_ids, missing_images__isnull=False)
    return {agent_id: frozenset(missing or ()) for agent_id, missing in rows.values_list("id", "missing_images")}


def of_same_engine(*, server_id: UUID) -> tuple[str, tuple[UUID, ...]]:
    """Return what names the Docker engine of the server's agent, and the other servers whose agents named the same one.

    Empty for a server without an agent and for an agent that has not told.
    """
    engine_id = Agent.objects.active().filter(server_id=server_id).values_list("health__engine_id", flat=True).first()
    if not engine_id:
        return "", ()
    others = Agent.objects.active().filter(health__engine_id=engine_id).exclude(server_id=server_id)
    return engine_id, tuple(others.order_by("server_id").values_list("server_id", flat=True))


def targets_of(*, agent_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return by active agent the targets that reach its host: its server, and the cluster that the server is in."""
    cluster = Server.objects.filter(id=OuterRef("server_id")).values("cluster_id")
    rows = Agent.objects.active().filter(id__in=agent_ids).annotate(cluster_id=Subquery(cluster))
    return {
        agent_id: (server_id,) if cluster_id is None else (server_id, cluster_id)
        for agent_id, server_id, cluster_id in rows.values_list("id", "server_id", "cluster_id")
    }


def as_data(record: Agent) -> AgentData:
    """Return the row as data; `record` must come from `_read`, which adds the database's time."""
    now = record.__dict__["database_now"]
    return AgentData(
        id=record.id,
        server_id=record.server_id,
        owner_id=record.owner_id,
        info=AgentInfo(
            version=record.version, os=record.os, architecture=record.architecture, server_info=record.server_info
        ),
        health=AgentHealth(**{name: record.health[name] for name in HEALTH_FIELDS & record.health.keys()}),
        presence=presence(
            now=now,
            last_seen_at=record.last_seen_at,
            revoked=record.revoked_at is not None,
            silent_after=silent_after(),
            lost_after=lost_after(),
        ),
        last_seen_at=record.last_seen_at,
        condition=None if record.condition is None else condition_of(record.condition),
        condition_at=record.condition_at,
        session_id=record.session_id,
        protocol=record.protocol,
        clock_skew_ms=record.clock_skew_ms,
        swarm=None if record.swarm is None else facts_of(record.swarm),
        swarm_at=record.swarm_at,
        certified=record.certified,
        build=record.build,
    )


def _read() -> Any:
    return Agent.objects.annotate(database_now=Now())


def _described(info: AgentInfo) -> dict[str, Any]:
    return {
        "version": info.version[:50],
        "os": info.os[:100],
        "architecture": info.architecture[:50],
        "server_info": dict(info.server_info),
    }
