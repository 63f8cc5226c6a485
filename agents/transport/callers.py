"""Who is calling: agents by their credential, users by their API token. If it cannot be checked, the answer is no."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias, TypeVar
from urllib.parse import unquote
from uuid import UUID

import grpc
import structlog
from django.conf import settings

from agents import addresses
from agents.errors import Unauthenticated
from agents.services import enrolment
from agents.token_bucket import TokenBuckets
from agents.transport.ports import UserOf
from agents.transport.presented import serial_by
from agents.transport.threads import DatabaseThreads
from agents.types import AgentData

logger = structlog.get_logger(__name__)
T = TypeVar("T")
Call = grpc.aio.ServicerContext[Any, Any]
# By the hash of a secret: when it was last checked, and whose it was.
Known: TypeAlias = OrderedDict[bytes, tuple[float, T]]

# How long a checked credential is trusted for heartbeats outside a session; sessions are always checked.
TRUST_SECONDS = 10.0
MAX_TRUSTED = 4096
# Credentials and tokens that are none, of one address: at once, and in the long run.
FAILURES, FAILURES_PER_SECOND = 60, 1.0
MAX_SECRET = 200
# Of the threads that also store reports, so many at most look for somebody who is not known.
MAX_UNKNOWN = 4
FORWARDED = "x-forwarded-for"
# As errors name it on either side of the ports.
FORBIDDEN = "FORBIDDEN"


class Callers:
    def __init__(self, *, threads: DatabaseThreads, user_of: UserOf) -> None:
        self._threads = threads
        self._user_of = user_of
        self._agents: Known[AgentData] = OrderedDict()
        self._users: Known[UUID] = OrderedDict()
        self._unknown = asyncio.Semaphore(MAX_UNKNOWN)
        self._failures = TokenBuckets(burst=FAILURES, per_second=FAILURES_PER_SECOND)

    async def agent(self, context: Call) -> tuple[AgentData, str]:
        """Return the calling agent and its credential; aborts the call otherwise."""
        credential, serial = _bearer(context), serial_by(context)
        found = await self._asked(
            context,
            self._agents,
            credential,
            lambda: self._threads.run(_agent_with, credential=credential, serial=serial),
            serial=serial,
            explain=lambda: self._threads.run(enrolment.why_ended, credential=credential),
        )
        return found, credential

    def forget(self, *, agent_id: UUID) -> None:
        """Ask the database about this agent when it calls again."""
        for key in [key for key, (_, known) in self._agents.items() if known.id == agent_id]:
            del self._agents[key]

    def distrust(self) -> None:
        """Ask the database about every agent when it calls again. They stay known, and so ahead of who is not."""
        for key, (_, known) in self._agents.items():
            self._agents[key] = (0.0, known)

    async def agent_for_heartbeat(self, context: Call) -> AgentData:
        """Return the calling agent, at most TRUST_SECONDS out of date."""
        return _fresh(self._agents, _bearer(context), serial_by(context)) or (await self.agent(context))[0]

    async def user(self, context: Call, *, acts: bool = False) -> UUID:
        """Return the calling user; aborts the call otherwise. `acts`: the call changes something."""
        token = _bearer(context)
        return await self._asked(
            context, self._users, token, lambda: self._threads.run(self._user_of, token=token, acts=acts)
        )

    async def admit_user(self, context: Call) -> UUID:
        """Return the calling user, at most TRUST_SECONDS out of date; aborts the call otherwise."""
        return _fresh(self._users, _bearer(context)) or await self.user(context)

    async def _asked(
        self,
        context: Call,
        table: Known[T],
        secret: str,
        ask: Callable[[], Awaitable[T | None]],
        *,
        serial: str = "",
        explain: Callable[[], Awaitable[str]] | None = None,
    ) -> T:
        """Return whose secret it is, by the database. Who was known before is asked about whatever others there do.

        `explain`: why a secret that is none any more ended, for whoever has it.
        """
        if not 0 < len(secret) <= MAX_SECRET:
            await _refuse(context)
        key = _key(secret, serial)
        if key in table:
            found = await _checked(context, ask)
        else:
            async with self._unknown:
                await self._let_ask(context)
                found = await _checked(context, ask)
        if found is None:
            table.pop(key, None)
            self._failures.take(address_of(context))
            await _refuse(context, await _checked(context, explain) if explain else "")
        _remember(table, key, found)
        return found

    async def _let_ask(self, context: Call) -> None:
        """Abort the call from an address that has failed too often."""
        if wait := self._failures.wait(address_of(context)):
            message = f"Too many wrong credentials from this address. Try again in {math.ceil(wait)} s."
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, message)


def _agent_with(*, credential: str, serial: str) -> AgentData | None:
    try:
        return enrolment.authenticate(credential=credential, serial=serial)
    except Unauthenticated:
        return None


def address_of(context: Call) -> str:
    """Return what the call is counted by: the caller's address, also behind a proxy that is trusted."""
    # Such as ipv4:192.0.2.1:4711 or ipv6:%5B2001:db8::1%5D:4711.
    peer = unquote(str(context.peer()).partition(":")[2])
    forwarded = ",".join(
        value for key, value in context.invocation_metadata() or () if key == FORWARDED and isinstance(value, str)
    )
    return addresses.counting_key(
        addresses.client_of(peer=peer, forwarded=forwarded, trusted=settings.AXION_TRUSTED_PROXIES)
    )


def _key(secret: str, serial: str) -> bytes:
    return hashlib.sha256(f"{serial} {secret}".encode()).digest()


def _fresh(table: Known[T], secret: str, serial: str = "") -> T | None:
    checked_at, known = table.get(_key(secret, serial), (0.0, None))
    return known if time.monotonic() - checked_at < TRUST_SECONDS else None


def _remember(table: Known[T], key: bytes, found: T) -> None:
    table[key] = (time.monotonic(), found)
    table.move_to_end(key)
    if len(table) > MAX_TRUSTED:
        table.popitem(last=False)


async def _checked(context: Call, ask: Callable[[], Awaitable[T | None]]) -> T | None:
    try:
        return await ask()
    except Exception as error:
        if getattr(error, "code", "") == FORBIDDEN:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        await _cannot_check(context, error)


async def _refuse(context: Call, why: str | None = "") -> NoReturn:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, f"Not authenticated. {why or ''}".rstrip())


def _bearer(context: Call) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str) and value[:7].lower() == "bearer ":
            return value[7:].strip()
    return ""


async def _cannot_check(context: Call, error: Exception) -> NoReturn:
    logger.warning("identity not checked", error=str(error).strip())
    await context.abort(grpc.StatusCode.UNAVAILABLE, "The identity cannot be checked now.")
