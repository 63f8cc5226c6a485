"""Who is calling: agents by their credential, users by their API token. If it cannot be checked, the answer is no."""

import hashlib
import time
from collections import OrderedDict
from typing import Any, NoReturn
from urllib.parse import unquote
from uuid import UUID

import grpc
import structlog
from django.conf import settings

from agents import addresses
from agents.database import DATABASE_AWAY
from agents.errors import Unauthenticated
from agents.services import enrolment
from agents.transport.ports import UserOf
from agents.transport.threads import DatabaseThreads
from agents.types import AgentData

log = structlog.get_logger(__name__)

# How long a checked credential is trusted for heartbeats outside a session; sessions are always checked.
TRUST_SECONDS = 10.0
TRUSTED_LIMIT = 4096
FORWARDED = "x-forwarded-for"
# As errors name it on either side of the ports.
FORBIDDEN = "FORBIDDEN"


class Callers:
    def __init__(self, *, threads: DatabaseThreads, user_of: UserOf) -> None:
        self._threads = threads
        self._user_of = user_of
        self._trusted: OrderedDict[bytes, tuple[float, AgentData]] = OrderedDict()

    async def agent(self, context: grpc.aio.ServicerContext[Any, Any]) -> tuple[AgentData, str]:
        """The calling agent and its credential; aborts the call otherwise."""
        credential = _bearer(context)
        try:
            return await self._threads.run(enrolment.authenticate, credential=credential), credential
        except Unauthenticated:
            await _refuse(context)
        except DATABASE_AWAY as error:
            await _cannot_check(context, error)

    async def agent_for_heartbeat(self, context: grpc.aio.ServicerContext[Any, Any]) -> AgentData:
        """The calling agent, at most TRUST_SECONDS out of date."""
        key = hashlib.sha256(_bearer(context).encode()).digest()
        checked_at, known = self._trusted.get(key, (0.0, None))
        if known is not None and time.monotonic() - checked_at < TRUST_SECONDS:
            return known
        found, _ = await self.agent(context)
        self._trusted[key] = (time.monotonic(), found)
        self._trusted.move_to_end(key)
        if len(self._trusted) > TRUSTED_LIMIT:
            self._trusted.popitem(last=False)
        return found

    async def user(self, context: grpc.aio.ServicerContext[Any, Any], *, acts: bool = False) -> UUID:
        """The calling user; aborts the call otherwise. `acts`: the call changes something."""
        token = _bearer(context)
        try:
            found = await self._threads.run(self._user_of, token=token, acts=acts) if token else None
        except Exception as error:
            if getattr(error, "code", "") == FORBIDDEN:
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
            await _cannot_check(context, error)
        if found is None:
            await _refuse(context)
        return found


def address_of(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """What the call is counted by: the caller's address, also behind a proxy that is trusted."""
    # Such as ipv4:192.0.2.1:4711 or ipv6:%5B2001:db8::1%5D:4711.
    peer = unquote(str(context.peer()).partition(":")[2])
    forwarded = ",".join(
        value for key, value in context.invocation_metadata() or () if key == FORWARDED and isinstance(value, str)
    )
    return addresses.counting_key(
        addresses.client_of(peer=peer, forwarded=forwarded, trusted=settings.AXION_TRUSTED_PROXIES)
    )


def _bearer(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str) and value[:7].lower() == "bearer ":
            return value[7:].strip()
    return ""


async def _refuse(context: grpc.aio.ServicerContext[Any, Any]) -> NoReturn:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Not authenticated.")


async def _cannot_check(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    log.warning("identity not checked", error=str(error).strip())
    await context.abort(grpc.StatusCode.UNAVAILABLE, "The identity cannot be checked now.")
