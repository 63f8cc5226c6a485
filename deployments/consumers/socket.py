"""What every live socket does: check who it is, again and again; send within a deadline; look at the database itself.

The channel layer wakes. A message that it lost is found by the look that happens every LOOK_SECONDS.
"""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from agents.token_bucket import TokenBucket
from deployments.consumers.identity import PROTOCOL, caller_from
from deployments.errors import DeployError, Unauthenticated
from deployments.limits import connection_limit
from deployments.types import Caller

SEND_SECONDS = 10.0
LOOK_SECONDS = 10.0
LARGEST_QUESTION = 16 * 1024
MAX_QUESTIONS, QUESTIONS_PER_SECOND = 20.0, 2.0
# Lets a browser tell a quiet deployment from a dead connection.
ALIVE = {"kind": "alive"}
NOT_SIGNED_IN, NOT_FOUND, TOO_SLOW, TOO_LARGE, NOT_UNDERSTOOD, TOO_MANY = 4401, 4404, 4408, 4413, 4400, 4429

logger = structlog.get_logger(__name__)


class LiveSocket(AsyncWebsocketConsumer):
    """Subclasses say which group wakes them, what a newcomer gets and what to send when there may be news."""

    caller: Caller
    looking: asyncio.Task[None] | None = None
    seated = False

    @property
    def subject(self) -> UUID:
        found: UUID = self.scope["url_route"]["kwargs"]["id"]
        return found

    def group(self) -> str:
        raise NotImplementedError

    def check(self, *, caller: Caller) -> None:
        """Raises NotFound when the caller may not see the subject (any more)."""
        raise NotImplementedError

    async def begin(self) -> None:
        """The first messages of an accepted socket."""
        raise NotImplementedError

    async def catch_up(self) -> None:
        """Send what the database has and the client has not."""
        raise NotImplementedError

    async def news(self, message: dict[str, Any]) -> None:
        """Take what the channel layer brought, or read what it did not."""
        raise NotImplementedError

    async def answer(self, question: dict[str, Any]) -> None:
        """React to what the client asks."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Refuse before anything is said; join the group before reading, so that nothing falls between."""
        self.busy = asyncio.Lock()
        # Each question costs a look at the database.
        self.pace = TokenBucket(burst=MAX_QUESTIONS, per_second=QUESTIONS_PER_SECOND)
        try:
            await self.look_who_it_is()
        except DeployError as error:
            await self.close(code=close_code(error))
            return
        if not await self.keep_seat():
            await self.close(code=TOO_MANY)
            return
        await self.channel_layer.group_add(self.group(), self.channel_name)
        await self.accept(PROTOCOL if PROTOCOL in self.scope.get("subprotocols", []) else None)
        await self.do(self.begin())
        self.looking = asyncio.create_task(self.keep_looking())

    async def look_who_it_is(self) -> None:
        """Identity and access as they are now. Raises Unauthenticated or NotFound."""
        self.caller = await database_sync_to_async(caller_from)(self.scope)
        await database_sync_to_async(self.check)(caller=self.caller)

    async def keep_seat(self) -> bool:
        """False when the user holds as many sockets as anybody may."""
        self.seated = await connection_limit.acquire(
            user_id=self.caller.user_id, connection_id=self.channel_name, now=time.time()
        )
        return self.seated

    async def disconnect(self, code: int) -> None:
        if self.seated:
            await connection_limit.release(user_id=self.caller.user_id, connection_id=self.channel_name)
        if self.looking is not None:
            self.looking.cancel()
        with contextlib.suppress(Exception):
            await self.channel_layer.group_discard(self.group(), self.channel_name)

    async def keep_looking(self) -> None:
        """Every few seconds: may it still see this, is it still in the group, was a message lost?"""
        while True:
            # Sockets that came at once do not ask the database at once.
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311
            try:
                await self.look_who_it_is()
                await self.keep_seat()
                await self.channel_layer.group_add(self.group(), self.channel_name)
                async with self.busy:
                    await self.catch_up()
                    await self.say(ALIVE)
            except DeployError as error:
                await self.close(code=close_code(error))
                return
            except StopConsumer:
                return
            except Exception:
                # A database or Redis that is away must not end the socket; the next look will do.
                logger.warning("a live socket could not look", exc_info=True)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if bytes_data is not None or text_data is None or len(text_data) > LARGEST_QUESTION:
            await self.close(code=TOO_LARGE)
            return
        try:
            question = json.loads(text_data)
        except ValueError:
            question = None
        if not isinstance(question, dict):
            await self.close(code=NOT_UNDERSTOOD)
            return
        if self.pace.take(1):
            await self.close(code=TOO_MANY)
            return
        await self.do(self.answer(question))

    async def wake(self, message: dict[str, Any]) -> None:
        """From the channel layer: there may be news."""
        await self.do(self.news(message))

    async def do(self, work: Coroutine[Any, Any, None]) -> None:
        """One thing after the other; access that ended meanwhile ends the socket."""
        try:
            async with self.busy:
                await work
        except DeployError as error:
            await self.close(code=close_code(error))

    async def say(self, message: dict[str, Any]) -> None:
        """Send, or end a client that does not read."""
        try:
            await asyncio.wait_for(self.send(text_data=json.dumps(message)), timeout=SEND_SECONDS)
        except TimeoutError:
            await self.close(code=TOO_SLOW)
            raise StopConsumer from None
        except OSError:
            # The other side has gone; the server tells so by this.
            raise StopConsumer from None


def close_code(error: DeployError) -> int:
    """A stranger and a missing thing get the same."""
    return NOT_SIGNED_IN if isinstance(error, Unauthenticated) else NOT_FOUND
