"""Ask the agents of a project's servers for what its containers write. Nothing travels before; nothing is stored."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from agents import gateway
from agents.contracts.version import LOGS_PROTOCOL
from agents.errors import ServerNotFound
from agents.limits import MAX_NAME_BYTES, MAX_PAST_LINES, MAX_SEARCH
from agents.reports.log_lines import LogRequest
from agents.services import clusters, directory
from agents.states import Presence
from agents.types import AgentData
from agents.wording.sentences import sentence
from deployments import log_relay
from deployments.data.log_types import LogQuery, LogSource, OpenedLogs
from deployments.errors import Invalid, NotFound, PeerFailed
from deployments.repositories import history, lanes
from deployments.repositories.observation import observed_stacks
from deployments.services.permissions import access
from deployments.types import Caller, Right, lane_of

MAX_SERVERS = 20
MAX_SERVICES = 50
NO_REDIS = "Redis is not responding, so logs cannot be read. Try again."
TWICE = "{name}: what the cluster runs there is left out beside what runs there alone. Name the cluster to read it."
NOWHERE = "This project has not been deployed to a server yet."

logger = structlog.get_logger(__name__)


def open_logs(*, caller: Caller, query: LogQuery, request_id: UUID) -> OpenedLogs:
    """Check the query and ask the agents, of whom each answers to the request's id; read it with `reader`.

    Whoever may see the project may. Raises NotFound, Invalid naming the field, or PeerFailed without Redis. An agent
    that cannot be asked is named in the remarks.
    """
    _check(query)
    access.project_for(caller=caller, project_id=query.project_id, right=Right.SEE)
    return ask_for_logs(query=query, request_id=request_id)


def ask_for_logs(*, query: LogQuery, request_id: UUID) -> OpenedLogs:
    """Do the same without asking for anybody's right: for the product itself. Raises NotFound, or PeerFailed."""
    server_ids = _servers(query)
    sources, remarks = _sources(query.project_id, server_ids)
    request = LogRequest(
        request_id=request_id,
        project_id=query.project_id,
        lane="",
        services=query.services,
        since_ms=query.since_ms,
        until_ms=query.until_ms,
        tail=query.tail,
        follow=query.follow,
        search=query.search,
    )
    if sources:
        try:
            log_relay.open_request(request=request, sources=sources)
        except RedisError as error:
            logger.warning("redis unavailable", what="logs", error=str(error))
            raise PeerFailed(NO_REDIS) from error
        for source in sources:
            gateway.announce_log_request(agent_id=source.agent_id, request_id=request_id)
    return OpenedLogs(request=request, sources=sources, remarks=remarks)


def _check(query: LogQuery) -> None:
    wrong = {}
    if not 0 <= query.tail <= MAX_PAST_LINES:
        wrong["tail"] = f"between 0 and {MAX_PAST_LINES}"
    if len(query.search) > MAX_SEARCH:
        wrong["search"] = f"at most {MAX_SEARCH} characters"
    if len(query.services) > MAX_SERVICES or any(len(name) > MAX_NAME_BYTES for name in query.services):
        wrong["service"] = f"at most {MAX_SERVICES} names of {MAX_NAME_BYTES} characters"
    if query.until_ms and query.until_ms < query.since_ms:
        wrong["until"] = "not before since"
    if query.until_ms and query.follow:
        wrong["until"] = "whoever follows has no end"
    if wrong:
        raise Invalid(sentence("The logs cannot be read with these options."), details=wrong)


def _servers(query: LogQuery) -> tuple[UUID, ...]:
    """Return the servers on which something of the project is or was. Raises NotFound for one that is not."""
    project_id = query.project_id
    known = {
        *history.targets(project_id=project_id),
        *lanes.busy_targets(project_id=project_id),
        *observed_stacks.servers_of(project_id=project_id),
    }
    if query.server_id is None:
        return tuple(sorted(known))
    if query.server_id not in known:
        raise NotFound(sentence("This project was not deployed to such a server."))
    return (query.server_id,)


def _sources(project_id: UUID, server_ids: Collection[UUID]) -> tuple[tuple[LogSource, ...], tuple[str, ...]]:
    places, twice = _places(server_ids)
    agents = directory.agents_of_servers(server_ids=[server_id for server_id, _ in places])
    sources: list[LogSource] = []
    remarks = [TWICE.format(name=name) for name in twice] if server_ids else [NOWHERE]
    for server_id, target_id in places:
        try:
            name = directory.get_server(server_id=server_id).name
        except ServerNotFound:  # removed
            continue
        agent = agents.get(server_id)
        if why := _why_not(agent):
            remarks.append(f"{name}: {why}")
        elif len(sources) == MAX_SERVERS:
            remarks.append(f"{name}: left out, {MAX_SERVERS} servers are read at once. Name it.")
        elif agent is not None:
            lane = lane_of(project_id=project_id, target_id=target_id)
            sources.append(LogSource(server_id=server_id, server_name=name, agent_id=agent.id, lane=lane))
    return tuple(sources), tuple(remarks)


def _places(target_ids: Collection[UUID]) -> tuple[list[tuple[UUID, UUID]], list[str]]:
    """Return each server to ask, with the target that it is asked about: of a cluster each of its servers.

    And the names of servers that are not asked about the cluster, because they are asked about what is theirs alone.
    """
    of_clusters = clusters.names(cluster_ids=target_ids)
    places = [(each, each) for each in target_ids if each not in of_clusters]
    # An agent is asked once.
    asked = {server_id for server_id, _ in places}
    twice = []
    for cluster_id in sorted(of_clusters):
        for server in directory.servers_of_cluster(cluster_id=cluster_id):
            if server.id in asked:
                twice.append(server.name)
            else:
                places.append((server.id, cluster_id))
    return places, twice


def _why_not(agent: AgentData | None) -> str:
    """Return why the agent cannot be asked; empty when it can."""
    if agent is None:
        return "no agent is enrolled there."
    if agent.presence is not Presence.ONLINE:
        seen = f" since {agent.last_seen_at:%Y-%m-%d %H:%M:%S} UTC" if agent.last_seen_at else ""
        return f"its agent is silent{seen}; its containers may write on."
    if agent.protocol < LOGS_PROTOCOL:
        return "its agent is too old to read logs. Bring it up to date."
    if agent.condition is not None and not agent.condition.engine_answers:
        return "Docker there does not answer its agent."
    return ""
