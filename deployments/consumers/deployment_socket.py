"""/ws/deployments/<id>/?after=<sequence>: a snapshot, or what was missed, and then every event by sequence."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async

from deployments import live_updates, wire
from deployments.consumers.socket import LiveSocket
from deployments.consumers.subscriptions import EventText, News, event_text
from deployments.data.list_types import DeploymentStamp
from deployments.services.fleet import machine_list
from deployments.services.queries import lookups
from deployments.types import Caller, DeploymentRecord
from deployments.wire import event_shape

PAGE = 500
# Who is further behind, or missed events that housekeeping has deleted, gets a snapshot marked `skipped` instead.
MAX_BEHIND = 5000


class DeploymentConsumer(LiveSocket):
    """`sent` is the last sequence the client has; only `advance` and snapshots raise it, strictly without a gap."""

    sent = 0

    def group(self) -> str:
        return live_updates.deployment_group(self.subject)

    def check(self, *, caller: Caller) -> UUID:
        return lookups.deployment_stamp(caller=caller, deployment_id=self.subject).project_id

    async def begin(self) -> None:
        deployment, name = await self._read()
        after = asked_after(self.scope["query_string"])
        if after is None or after > deployment.last_sequence:
            await self._say_snapshot(deployment, name, skipped=False)
        elif deployment.last_sequence - after > MAX_BEHIND or not await self._all_kept(after, deployment):
            await self._say_snapshot(deployment, name, skipped=True)
        else:
            self.sent = after
            await self.catch_up()

    async def catch_up(self) -> None:
        await self._bring_up_to_date(moment="")

    async def look(self) -> None:
        if (await self.read_once("stamp", self._stamp)).last_sequence > self.sent:
            await self.catch_up()

    async def _bring_up_to_date(self, *, moment: str) -> None:
        """Send what the client lacks. `moment`: a message's; who lacks the same because of it reads it once."""
        while True:
            read = partial(self._texts_after, self.sent)
            missed = await (self.read_once(f"events after {self.sent}", read, moment=moment) if moment else read())
            for event in missed:
                await self._advance(event)
            # A page may be short because its events are large.
            if not missed:
                return

    async def answer(self, question: dict[str, Any]) -> None:
        if question.get("kind") == "snapshot":
            deployment, name = await self._read()
            await self._say_snapshot(deployment, name, skipped=False)

    async def news(self, news: News) -> None:
        for event in news.events:
            if event.sequence == self.sent + 1:
                await self._advance(event)
        if not news.events or news.events[-1].sequence > self.sent:
            await self._bring_up_to_date(moment=news.id)

    async def _advance(self, event: EventText) -> None:
        await self.say_text(event.text)
        self.sent = event.sequence

    async def _say_snapshot(self, deployment: DeploymentRecord, name: str, *, skipped: bool) -> None:
        await self.say(
            {
                "kind": "snapshot",
                "sequence": deployment.last_sequence,
                "skipped": skipped,
                "deployment": wire.snapshot_shape(deployment, target_name=name),
            }
        )
        self.sent = deployment.last_sequence

    @database_sync_to_async
    def _read(self) -> tuple[DeploymentRecord, str]:
        deployment = lookups.get_deployment(caller=self.caller, deployment_id=self.subject)
        return deployment, machine_list.target_name(deployment.target)

    @database_sync_to_async
    def _stamp(self) -> DeploymentStamp:
        return lookups.deployment_stamp(caller=self.caller, deployment_id=self.subject)

    @database_sync_to_async
    def _all_kept(self, after: int, deployment: DeploymentRecord) -> bool:
        return lookups.has_all_events(deployment_id=self.subject, after=after, last=deployment.last_sequence)

    @database_sync_to_async
    def _texts_after(self, sequence: int) -> tuple[EventText, ...]:
        found = lookups.events_after(caller=self.caller, deployment_id=self.subject, sequence=sequence, limit=PAGE)
        return tuple(event_text(event_shape(event)) for event in found)


def asked_after(query: bytes) -> int | None:
    """Return the sequence in `?after=`; None for none or nonsense, which both get a snapshot."""
    text = parse_qs(query.decode("latin1")).get("after", [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
