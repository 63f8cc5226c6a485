"""A websocket client for tests, and writers of events."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.db import connections, transaction

from deployments import live_updates
from deployments.consumers.routing import live_application
from deployments.event_types import NewEvent, log_written, stage_reached
from deployments.repositories import events
from deployments.states import Stage
from deployments.types import EventRecord
from tests.factories import NOW

WAIT = 30.0


class Socket:
    """One connection over plain ASGI; `received` waits for the next message that is not just a sign of life."""

    def __init__(self, address: str, *, token: str | None = None, headers: dict[str, str] | None = None) -> None:
        path, _, query = address.partition("?")
        fields = {**({"Authorization": f"Token {token}"} if token else {}), **(headers or {})}
        raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": raw, "subprotocols": []}
        # asgiref publishes no types for its testing tools.
        communicator: Any = ApplicationCommunicator
        self.communicator = communicator(live_application, scope)

    async def open(self) -> tuple[bool, int | None]:
        """Whether it was accepted, and else the code."""
        await self.communicator.send_input({"type": "websocket.connect"})
        answer = await self.communicator.receive_output(timeout=WAIT)
        return answer["type"] == "websocket.accept", answer.get("code")

    async def received(self) -> dict[str, Any]:
        while True:
            output = await self.communicator.receive_output(timeout=WAIT)
            message: dict[str, Any] = json.loads(output["text"])
            if message["kind"] != "alive":
                return message

    async def sequences(self, count: int) -> list[int]:
        return [(await self.received())["sequence"] for _ in range(count)]

    async def closed_with(self) -> int:
        while True:
            output = await self.communicator.receive_output(timeout=WAIT)
            if output["type"] == "websocket.close":
                return int(output["code"])

    async def say(self, text: str) -> None:
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def close(self) -> None:
        await self.communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.communicator.wait(timeout=WAIT)


def write(deployment_id: UUID, *new: NewEvent) -> tuple[EventRecord, ...]:
    """Store events without telling anybody."""
    with transaction.atomic():
        return events.append(deployment_id=deployment_id, events=new, at=NOW)


def line(text: str = "a line") -> NewEvent:
    return log_written(service="web", source="build", text=text)


def stage(percent: int) -> NewEvent:
    return stage_reached(stage=Stage.BUILDING, percent=percent, message="")


async def written(deployment_id: UUID, *new: NewEvent) -> tuple[EventRecord, ...]:
    return await database_sync_to_async(write)(deployment_id, *new)


async def pushed(records: tuple[EventRecord, ...]) -> None:
    await database_sync_to_async(live_updates.push)(records)


async def close_connections() -> None:
    await database_sync_to_async(connections.close_all)()
