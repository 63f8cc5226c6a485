"""Bodies of requests, bounded before anything is kept: in bytes, in time and in how many large ones at once.

Django writes a whole body to a file before any view is asked. This stands before it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from agents.wording.sentences import sentence
from axion_deploy.body_limits import MAX_BODY, MIB, limit_of, uploader
from axion_deploy.content_policy import ADMIN as PAGES
from axion_deploy.content_policy import HEADER, STRICT
from axion_deploy.refusal_pages import accepted_in, refusal_page
from deployments.api.error_handlers import PREFIX
from deployments.api.errors import problem
from deployments.errors import Unauthenticated

# A body may take this long, and a second more for each MIN_BYTES_PER_SECOND that came.
MAX_WAIT_SECONDS = 15.0
MIN_BYTES_PER_SECOND = 128 * 1024
# Large bodies in one process, of which one for each user: each costs its size on disk.
MAX_LARGE_AT_ONCE = 4
# After a refusal the rest of the body is read and dropped, so that the answer arrives before the connection ends.
LINGER_SECONDS = 2.0
MAX_LINGER_BYTES = 4 * MIB
GONE: dict[str, Any] = {"type": "http.disconnect"}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Refused(Exception):
    """The request is answered here and does not reach the application."""

    status: int
    code: str
    message: str
    retry_after: int = 0


class BoundedBodies:
    """Counts every body while it is read, lets in large ones only from signed-in users, and ends slow ones."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.uploading: set[UUID] = set()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        reading = Reading(scope=scope, receive=receive, send=send, uploading=self.uploading)
        try:
            await reading.look_ahead()
            await self.application(scope, reading.next, reading.answer)
        except Refused as refused:
            await reading.refuse(refused)
        finally:
            reading.leave()


class Reading:
    """One request's body."""

    def __init__(self, *, scope: Any, receive: Receive, send: Send, uploading: set[UUID]) -> None:
        self.scope, self.receive, self.send, self.uploading = scope, receive, send, uploading
        self.limit = limit_of(method=scope["method"], path=scope["path"])
        self.began = time.monotonic()
        self.got = 0
        self.complete = self.answering = self.refused = False
        self.user: UUID | None = None

    async def look_ahead(self) -> None:
        """Refuse by what the headers announce, before a byte is read. Raises Refused."""
        length = dict(self.scope["headers"]).get(b"content-length", b"0")
        announced = int(length) if length.isdigit() and len(length) < 16 else 0
        await self.allow(announced)

    async def allow(self, size: int) -> None:
        """Raise Refused when a body of `size` bytes may not be read here, or not now."""
        if size > self.limit:
            raise Refused(413, "VALIDATION_ERROR", sentence("This is larger than {mib} MiB.", mib=self.limit // MIB))
        if size > MAX_BODY and self.user is None:
            await self.take_place()

    async def take_place(self) -> None:
        """Reserve a place for a large body: of a signed-in user, one for each, MAX_LARGE_AT_ONCE together.

        Raises Refused.
        """
        try:
            user = await uploader(self.scope)
        except Unauthenticated as error:
            raise Refused(401, error.code, sentence("Sign in before you send so much.")) from None
        except Exception as error:
            logger.warning("sender of an upload not checked", error=str(error).strip())
            raise Refused(503, "DATABASE_ERROR", sentence("Who you are cannot be checked now. Try again."), 5) from None
        if user in self.uploading:
            raise Refused(429, "RATE_LIMIT_EXCEEDED", sentence("You are sending something large already."), 5)
        if len(self.uploading) >= MAX_LARGE_AT_ONCE:
            raise Refused(503, "RATE_LIMIT_EXCEEDED", sentence("Too many large uploads at once. Try again soon."), 5)
        self.user = user
        self.uploading.add(user)

    def leave(self) -> None:
        if self.user is not None:
            self.uploading.discard(self.user)

    async def next(self) -> Message:
        """Serve as the application's `receive`. After a refusal it hears that the client has gone."""
        if self.refused:
            return GONE
        if self.complete:
            return await self.receive()
        try:
            return await self.part()
        except Refused as refused:
            await self.refuse(refused)
            return GONE

    async def part(self) -> Message:
        allowed = MAX_WAIT_SECONDS + self.got / MIN_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(max(0.0, self.began + allowed - time.monotonic())):
                message = await self.receive()
        except TimeoutError:
            raise Refused(408, "VALIDATION_ERROR", sentence("The body came too slowly.")) from None
        if message["type"] == "http.request":
            self.got += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            await self.allow(self.got)
        return message

    async def answer(self, message: Message) -> None:
        """Serve as the application's `send`; nothing follows a refusal."""
        if not self.refused:
            self.answering = True
            await self.send(message)

    async def refuse(self, refused: Refused) -> None:
        """Answer and end the connection: the rest of the body is not wanted."""
        self.refused = True
        if self.answering:
            return
        kind, body = told(refused, path=self.scope["path"], accepts=accepted_in(dict(self.scope["headers"])))
        headers = {
            "content-type": kind,
            "content-length": str(len(body)),
            "connection": "close",
            "x-content-type-options": "nosniff",
            HEADER.lower(): STRICT,
            **({"retry-after": str(refused.retry_after)} if refused.retry_after else {}),
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": refused.status, "headers": raw})
        await self.send({"type": "http.response.body", "body": body, "more_body": True})
        await self.linger()
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def linger(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self.drain()

    async def drain(self) -> None:
        thrown_away = 0
        while not self.complete and thrown_away < MAX_LINGER_BYTES:
            message = await self.receive()
            thrown_away += len(message.get("body", b""))
            self.complete = message["type"] != "http.request" or not message.get("more_body", False)


def told(refused: Refused, *, path: str, accepts: str) -> tuple[str, bytes]:
    """The answer's kind and text: a page for people, a problem document for REST, a sentence elsewhere."""
    if path.startswith(PAGES):
        return "text/html; charset=utf-8", refusal_page(status=refused.status, why=refused.message, accepts=accepts)
    if not path.startswith(PREFIX):
        return "text/plain; charset=utf-8", refused.message.encode()
    answer = problem(code=refused.code, message=refused.message, status=refused.status)
    return str(answer.content_type), json.dumps(answer.data).encode()
