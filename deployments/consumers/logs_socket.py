"""/ws/projects/<id>/logs/: what the project's containers write, for as long as the socket is open.

`?server=<id>&service=a,b&since=<ms>&tail=200&search=...`. First comes {"kind": "logs", "caughtUp": true, ...} with the
past, then one message after another with what is new. A client that comes back asks with `since` for what it missed.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer

from agents.cancellation import cancel_until_ended
from agents.wording.sentences import sentence
from deployments import live_updates
from deployments.consumers.socket import LiveSocket
from deployments.consumers.subscriptions import News
from deployments.data.log_types import LogQuery, OpenedLogs
from deployments.errors import DeployError, Invalid
from deployments.services.logs import open as opening
from deployments.services.logs import reader
from deployments.services.permissions import access
from deployments.types import Caller, Right
from deployments.wire import log_part_shape

MAX_DIGITS = 16
# Redis is told that nobody reads any more; a second cancellation before that would be in its way.
CLOSE_SECONDS = 3.0
DEFAULT_TAIL = 200


class LogsConsumer(LiveSocket):
    """Reads in a task of its own; while the client takes nothing, nothing is read, and agents leave lines out."""

    reading: asyncio.Task[None] | None = None

    def group(self) -> str:
        return live_updates.project_group(self.subject)

    def check(self, *, caller: Caller) -> UUID:
        return access.project_for(caller=caller, project_id=self.subject, right=Right.SEE).id

    async def begin(self) -> None:
        self.reading = asyncio.create_task(self._read())

    async def catch_up(self) -> None:
        pass

    async def news(self, news: News) -> None:
        pass

    async def answer(self, question: dict[str, Any]) -> None:
        pass

    async def let_go(self) -> None:
        if self.reading is not None:
            # One that went on would renew its request for ever, and its agents would tell nobody.
            await cancel_until_ended([self.reading], seconds=CLOSE_SECONDS)
        await super().let_go()

    async def _read(self) -> None:
        try:
            opened = await self._open(query_in(self.scope["query_string"], project_id=self.subject))
            async with contextlib.aclosing(reader.read(opened)) as parts:
                async for part in parts:
                    await self._tell({"kind": "logs", "caughtUp": part.caught_up, **log_part_shape(part)})
            await self._tell({"kind": "end", "message": "No more lines are coming."})
        except DeployError as error:
            with contextlib.suppress(StopConsumer):
                await self._tell(
                    {"kind": "refused", "code": error.code, "message": error.message, "details": error.details}
                )
        except StopConsumer:
            pass

    async def _tell(self, message: dict[str, Any]) -> None:
        async with self.busy:
            await self.say(message)

    @database_sync_to_async
    def _open(self, query: LogQuery) -> OpenedLogs:
        return opening.open_logs(caller=self.caller, query=query, request_id=uuid4())


def query_in(query_string: bytes, *, project_id: UUID) -> LogQuery:
    """Return what the address asks for. Raises Invalid naming the field."""
    given = {name: values[0] for name, values in parse_qs(query_string.decode("latin1")).items()}
    wrong: dict[str, str] = {}

    def number(name: str, default: int) -> int:
        text = given.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            wrong[name] = sentence("not a number")
            return default
        return int(text)

    server_id = None
    try:
        server_id = UUID(given["server"]) if "server" in given else None
    except ValueError:
        wrong["server"] = sentence("not an id")
    query = LogQuery(
        project_id=project_id,
        server_id=server_id,
        services=tuple(name for each in given.get("service", "").split(",") if (name := each.strip())),
        since_ms=number("since", 0),
        tail=number("tail", DEFAULT_TAIL),
        search=given.get("search", ""),
        follow=True,
    )
    if wrong:
        raise Invalid(sentence("The logs cannot be read with these options."), details=wrong)
    return query
