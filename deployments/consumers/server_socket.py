"""/ws/servers/<id>/: how the newest installation on the server goes, whole, whenever it has changed."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async

from deployments import live_updates
from deployments.consumers.socket import LiveSocket
from deployments.consumers.subscriptions import News
from deployments.services.fleet import machine_list
from deployments.services.installations import installation_requests
from deployments.services.installations.installation_shapes import installation_shape
from deployments.types import Caller


class ServerConsumer(LiveSocket):
    """`said` is which installation, and which number of it, the client knows."""

    said: tuple[str, int] | None = None

    def group(self) -> str:
        return live_updates.server_group(self.subject)

    def check(self, *, caller: Caller) -> None:
        machine_list.get_server(caller=caller, server_id=self.subject)

    async def begin(self) -> None:
        await self.catch_up()

    async def catch_up(self) -> None:
        newest = await self._newest()
        known = (newest["id"], newest["number"]) if newest else None
        if newest is not None and known != self.said:
            await self.say({"kind": "installation", "installation": newest})
        self.said = known

    async def news(self, news: News) -> None:
        del news
        await self.catch_up()

    async def answer(self, question: dict[str, Any]) -> None:
        if question.get("kind") == "snapshot":
            self.said = None
            await self.catch_up()

    @database_sync_to_async
    def _newest(self) -> dict[str, Any] | None:
        listed = installation_requests.list_installations(caller=self.caller, server_id=self.subject)
        return installation_shape(listed[0]) if listed else None
