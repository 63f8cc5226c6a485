"""What containers write, on its way from the gateway that hears it to whoever reads it, in another process.

It carries nothing that is kept: a request lives for as long as its reader renews it, and dies with it. A reader whose
request Redis lost is told, and reads anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from agents.reports.log_lines import ContainerLine, LogBatch, LogReader, LogRequest
from deployments.data.log_types import LogSource

# A reader that has not renewed its request for so long has gone. Seconds.
LEASE_SECONDS = 15
# Batches of one request that wait for their reader; its agents wait as well while there are more.
MAX_WAITING = 40
REDIS_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A batch, and the place of its source among those of the request."""

    source: int
    batch: LogBatch


def open_request(*, request: LogRequest, sources: Sequence[LogSource]) -> None:
    """Let gateways know the request, from now on for LEASE_SECONDS. Raises RedisError."""
    known = {
        "request": [
            str(request.project_id),
            list(request.services),
            request.since_ms,
            request.until_ms,
            request.tail,
            request.follow,
            request.search,
        ],
        "agents": [str(source.agent_id) for source in sources],
        "lanes": [source.lane for source in sources],
    }
    _redis(settings.REDIS_URL).set(_key(request.request_id), json.dumps(known), ex=LEASE_SECONDS)


def find_request(*, request_id: UUID, agent_id: UUID) -> LogRequest | None:
    """Return what this agent is asked for; None when nobody waits for it any more. Raises RedisError."""
    known = _known(_redis(settings.REDIS_URL).get(_key(request_id)))
    if known is None or str(agent_id) not in known["agents"]:
        return None
    project_id, services, since_ms, until_ms, tail, follow, search = known["request"]
    return LogRequest(
        request_id=request_id,
        project_id=UUID(project_id),
        lane=known["lanes"][known["agents"].index(str(agent_id))],
        services=tuple(services),
        since_ms=since_ms,
        until_ms=until_ms,
        tail=tail,
        follow=follow,
        search=search,
    )


def push(*, request_id: UUID, agent_id: UUID, batch: LogBatch | None) -> LogReader:
    """Hand a batch to the reader, if there still is one who asked this agent; None only asks. Raises RedisError."""
    redis = _redis(settings.REDIS_URL)
    known = _known(redis.get(_key(request_id)))
    if known is None or str(agent_id) not in known["agents"]:
        return LogReader.HAS_GONE
    waiting = _waiting(request_id)
    with redis.pipeline(transaction=False) as pipeline:
        if batch is not None:
            pipeline.rpush(waiting, _to_json(known["agents"].index(str(agent_id)), batch))
            pipeline.expire(waiting, LEASE_SECONDS)
        pipeline.llen(waiting)
        length = pipeline.execute()[-1]
    return LogReader.IS_BEHIND if length > MAX_WAITING else LogReader.READS


class RelayedLines:
    """The reader's end. Raises RedisError."""

    def __init__(self, *, request_id: UUID) -> None:
        self._id = request_id
        # A question of a second must not end by the socket's own deadline.
        self._redis = AsyncRedis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=REDIS_SECONDS)

    async def pop(self, *, seconds: float) -> Answered | None:
        """Return the next batch; None when none came in time."""
        found: Any = await self._redis.blpop([_waiting(self._id)], timeout=seconds)
        return None if found is None else _from_json(found[1])

    async def pop_now(self) -> Answered | None:
        """Return the next batch if it is there already."""
        found: Any = await self._redis.lpop(_waiting(self._id))
        return None if found is None else _from_json(found)

    async def renew(self) -> bool:
        """Say that somebody still reads; False when the request was lost."""
        return bool(await self._redis.expire(_key(self._id), LEASE_SECONDS))

    async def close(self) -> None:
        """Say that nobody reads any more, so that the agents stop."""
        try:
            await self._redis.delete(_key(self._id), _waiting(self._id))
        finally:
            await self._redis.aclose()


@cache
def _redis(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)


def _key(request_id: UUID) -> str:
    return f"axion:logs:{request_id}"


def _waiting(request_id: UUID) -> str:
    return f"axion:logs:{request_id}:lines"


def _known(stored: Any) -> dict[str, Any] | None:
    return None if stored is None else dict(json.loads(stored))


def _to_json(source: int, batch: LogBatch) -> str:
    lines = [[line.at_ns, line.service, line.container, line.text, line.is_error_stream] for line in batch.lines]
    return json.dumps([source, lines, batch.left_out, batch.caught_up, list(batch.remarks), batch.over])


def _from_json(stored: bytes) -> Answered:
    source, lines, left_out, caught_up, remarks, over = json.loads(stored)
    return Answered(
        source=source,
        batch=LogBatch(
            lines=tuple(
                ContainerLine(at_ns=at_ns, service=service, container=container, text=text, is_error_stream=is_error)
                for at_ns, service, container, text, is_error in lines
            ),
            left_out=left_out,
            caught_up=caught_up,
            remarks=tuple(remarks),
            over=over,
        ),
    )
