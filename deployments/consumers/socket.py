"""What every live socket does: check who it is, again and again; send within a deadline; read the database itself.

The channel layer only wakes it. What a lost message announced is found by the check that happens every CHECK_SECONDS.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from agents.cancellation import cancel_until_ended
from agents.token_bucket import TokenBucket
from deployments.consumers.shared_reads import shared_reads, slot
from deployments.consumers.socket_identity import PROTOCOL, caller_from, proof_of
from deployments.consumers.standing import Standing, marks_now, still_holds, watch
from deployments.consumers.subscriptions import Mailbox, News, NewsKind, subscriptions
from deployments.errors import DeployError, Unauthenticated
from deployments.limits import connection_limit
from deployments.live_updates import access_group
from deployments.types import Caller

SEND_SECONDS = 10.0
CHECK_SECONDS = 10.0
# As old, in parts of that, may be what sockets of a process share: proofs and rights, and what may have been missed.
PROOF_PART, NEWS_PART = 0.25, 1.0
# Its entry among the user's sockets lasts longer.
RENEW_SECONDS = 25.0
MAX_QUESTION_LENGTH = 16 * 1024
MAX_QUESTIONS, QUESTIONS_PER_SECOND = 20.0, 2.0
# Lets a browser tell a quiet deployment from a dead connection.
ALIVE = {"kind": "alive"}
NOT_SIGNED_IN, NOT_FOUND, TOO_SLOW, TOO_LARGE, NOT_UNDERSTOOD, TOO_MANY = 4401, 4404, 4408, 4413, 4400, 4429

T = TypeVar("T")

logger = structlog.get_logger(__name__)


class LiveSocket(AsyncWebsocketConsumer):
    """Subclasses say which group wakes them, what a new client gets and what to send when there may be news."""

    # None has this name: what the layer brings comes by way of `subscriptions`, once for all sockets.
    channel_layer_alias = "by way of subscriptions"
    caller: Caller
    standing: Standing
    tasks: tuple[asyncio.Task[None], ...] = ()
    is_counted = False
    # The id of the last message of the channel layer.
    heard = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.connection_id, self.mailbox = uuid4().hex, Mailbox()
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.let_go()

    @property
    def subject(self) -> UUID:
        subject: UUID = self.scope["url_route"]["kwargs"]["id"]
        return subject

    def group(self) -> str:
        raise NotImplementedError

    def check(self, *, caller: Caller) -> UUID | None:
        """Return the project of the subject, None for something else.

        Raise NotFound when the caller may not see it (any more).
        """
        raise NotImplementedError

    async def begin(self) -> None:
        """Send the first messages of an accepted socket."""
        raise NotImplementedError

    async def catch_up(self) -> None:
        """Send what the database has and the client has not."""
        raise NotImplementedError

    async def look(self) -> None:
        """Send what was missed; often nothing was, and one read tells it to all sockets of the subject."""
        await self.catch_up()

    async def news(self, news: News) -> None:
        """Send what the channel layer brought, or read what it did not."""
        raise NotImplementedError

    async def answer(self, question: dict[str, Any]) -> None:
        """Do what the client asks for."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Accept the socket and send its first messages, or close it with the reason.

        1. Refuse before anything is told. 2. Join the group, so that nothing is missed between. 3. Read and send.
        """
        self.busy = asyncio.Lock()
        # Each question costs a query.
        self.pace = TokenBucket(burst=MAX_QUESTIONS, per_second=QUESTIONS_PER_SECOND)
        try:
            await self.authenticate()
        except DeployError as error:
            await self.close(code=close_code(error))
            return
        if not await self.hold_connection():
            await self.close(code=TOO_MANY)
            return
        await self.join_groups()
        self.renewed_at = time.monotonic()
        await self.accept(PROTOCOL if PROTOCOL in self.scope.get("subprotocols", []) else None)
        await self.do(self.begin())
        self.tasks = asyncio.create_task(self.take_news()), asyncio.create_task(self.check_periodically())

    async def authenticate(self) -> None:
        """Read identity and access as they are now. Raises Unauthenticated or NotFound."""
        self.caller = await database_sync_to_async(caller_from)(self.scope)
        project_id = await database_sync_to_async(self.check)(caller=self.caller)
        self.standing = Standing(proof=proof_of(self.scope), caller=self.caller, project_id=project_id)
        watch(self.standing)

    async def authenticate_again(self) -> None:
        """Do as `authenticate` does, unless it is certain that nothing has changed since."""
        seconds = CHECK_SECONDS * PROOF_PART
        # Read before the check that they stand for: what changes meanwhile differs at the next look.
        marks = await marks_now(self.standing, seconds=seconds)
        if not await still_holds(self.standing, marks=marks, seconds=seconds):
            await self.authenticate()
            self.standing.marks = self.standing.known(marks)

    async def read_once(self, what: str, read: Callable[[], Awaitable[T]], *, moment: Hashable = None) -> T:
        """Return what another socket of the subject has read at this moment, or read it for all.

        `moment` is a message's; without one, what was read a moment ago will do. Reads are done with the right of who
        comes first: where that has ended, each reads with its own.
        """
        # Nothing that was read before the last message, which a socket of the subject may have passed on.
        key = (what, self.subject, moment or (slot(CHECK_SECONDS * NEWS_PART), self.heard))
        try:
            return await shared_reads().get(key, read)
        except DeployError:
            return await read()

    async def hold_connection(self) -> bool:
        """Count the socket, or renew its count; return False when the user holds as many as anybody may."""
        self.is_counted = await connection_limit.acquire(
            user_id=self.caller.user_id, connection_id=self.connection_id, now=time.time()
        )
        return self.is_counted

    async def renew(self) -> None:
        """Now and then, count the socket again: Redis may have been emptied."""
        if time.monotonic() - self.renewed_at >= RENEW_SECONDS:
            self.renewed_at = time.monotonic()
            await self.hold_connection()

    async def join_groups(self) -> None:
        """Be woken by news of the subject, and when somebody loses a right to its project."""
        for group in self.groups_joined():
            await subscriptions().join(group, self.mailbox)

    def groups_joined(self) -> list[str]:
        standing = getattr(self, "standing", None)
        project_id = standing.project_id if standing is not None else None
        return [self.group(), *([access_group(project_id)] if project_id is not None else [])]

    async def let_go(self) -> None:
        """End what was begun for the socket, however it ended."""
        if self.is_counted:
            await connection_limit.release(user_id=self.caller.user_id, connection_id=self.connection_id)
        await cancel_until_ended(self.tasks)
        await subscriptions().leave(self.groups_joined(), self.mailbox)

    async def check_periodically(self) -> None:
        """Check every few seconds whether it may still see this, is in the group, and has missed nothing."""
        while True:
            # Sockets that were opened at once must not ask the database at once.
            await asyncio.sleep(CHECK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311
            try:
                await self.authenticate_again()
                await self.renew()
                async with self.busy:
                    await self.look()
                    await self.say(ALIVE)
            except DeployError as error:
                await self.close(code=close_code(error))
                return
            except StopConsumer:
                return
            except Exception:
                # A database or Redis that is away must not end the socket; the next check will do.
                logger.warning("live socket not checked, retrying", exc_info=True)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if bytes_data is not None or text_data is None or len(text_data) > MAX_QUESTION_LENGTH:
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

    async def take_news(self) -> None:
        """Send what the channel layer brings, one thing after the other."""
        while True:
            news = await self.mailbox.take()
            try:
                async with self.busy:
                    await self._take(news)
            except DeployError as error:
                await self.close(code=close_code(error))
                return
            except StopConsumer:
                return
            except Exception:
                # The next look finds what was not sent.
                logger.warning("live socket not told, retrying", exc_info=True)

    async def _take(self, news: News) -> None:
        self.heard = news.id
        if news.kind is not NewsKind.WAKE:
            # Somebody may see less of the project than before.
            await self.authenticate()
        if news.kind is NewsKind.MISSED:
            await self.catch_up()
        elif news.kind is NewsKind.WAKE:
            await self.news(news)

    async def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this after what is being done already; access that ended meanwhile ends the socket."""
        try:
            async with self.busy:
                await work
        except DeployError as error:
            await self.close(code=close_code(error))

    async def say(self, message: dict[str, Any]) -> None:
        """Send, or end a client that does not read."""
        await self.say_text(json.dumps(message))

    async def say_text(self, text: str) -> None:
        """Send what is a message already; otherwise as `say`."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send(text_data=text)
        except TimeoutError:
            await self.close(code=TOO_SLOW)
            raise StopConsumer from None
        except OSError:
            # Raised by the server when the client has gone.
            raise StopConsumer from None


def close_code(error: DeployError) -> int:
    """Return the code that the client gets."""
    # What is missing and what is a stranger's look alike.
    return NOT_SIGNED_IN if isinstance(error, Unauthenticated) else NOT_FOUND
