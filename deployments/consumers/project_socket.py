"""/ws/projects/<id>/: the project's deployments as they are, then every event of theirs (log lines apart) by sequence.

Each deployment has its own sequence. A client that comes back opens /ws/projects/<id>/?resume, which sends no snapshot,
asks {"kind": "resume", "after": {id: sequence}} and gets the events it missed of these deployments; whatever it does
not name, or is too far behind on, comes whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from channels.db import database_sync_to_async

from deployments import live_updates, wire
from deployments.consumers.socket import LiveSocket
from deployments.consumers.subscriptions import EventText, News, event_text
from deployments.event_types import EventType
from deployments.services.fleet import machine_list
from deployments.services.incidents import people
from deployments.services.permissions import access
from deployments.services.queries import lane_view, lookups, project_view
from deployments.services.queries.project_view import ProjectView
from deployments.types import Caller, DeploymentRecord, EventRecord, Right, Target
from deployments.wire import event_shape

# An event's sequence, and its text where a project is told of it.
Numbered = tuple[int, EventText | None]
MAX_BEHIND = 500
MAX_NAMED = 200
RESUMES = b"resume"


class ProjectConsumer(LiveSocket):
    """`sent` is, per deployment, the sequence up to which the client knows it."""

    def group(self) -> str:
        return live_updates.project_group(self.subject)

    def check(self, *, caller: Caller) -> UUID:
        return access.project_for(caller=caller, project_id=self.subject, right=Right.SEE).id

    async def begin(self) -> None:
        self.sent: dict[str, int] = {}
        self.said_stacks: dict[str, Any] = {}
        self.said_incidents: list[dict[str, Any]] = []
        if RESUMES not in self.scope["query_string"]:
            await self._say_snapshot()

    async def _say_snapshot(self) -> None:
        view = await self._view()
        names = view.target_names
        shapes = [wire.summary_shape(shown, target_name=names[shown.target.id]) for shown in view.deployments]
        await self.say({"kind": "snapshot", "project": wire.project_shape(view.project), "deployments": shapes})
        await self._say_stacks(moment=uuid4().hex)
        self.sent = {str(shown.id): shown.last_sequence for shown in view.deployments}

    async def catch_up(self) -> None:
        await self._bring_all(await self._view())
        await self._say_stacks(moment=None)

    async def look(self) -> None:
        await self._bring_all(await self.read_once("view", self._view))
        await self._say_stacks(moment=None)

    async def _bring_all(self, view: ProjectView) -> None:
        for deployment in reversed(view.deployments):
            await self._bring_up_to_date(deployment, moment="")

    async def answer(self, question: dict[str, Any]) -> None:
        if question.get("kind") == "snapshot":
            await self._say_snapshot()
        elif question.get("kind") == "resume" and isinstance(question.get("after"), dict):
            after = list(question["after"].items())[:MAX_NAMED]
            self.sent = {str(key): value for key, value in after if isinstance(value, int)}
            await self.catch_up()

    async def news(self, news: News) -> None:
        if not news.deployments:
            await self._say_stacks(moment=news.id)
        for deployment_id in news.deployments:
            if not await self._pass_on(deployment_id, news.events, news.spans.get(deployment_id)):
                find = partial(self._find, UUID(deployment_id))
                deployment = await self.read_once(deployment_id, find, moment=news.id)
                await self._bring_up_to_date(deployment, moment=news.id)

    async def _pass_on(self, deployment_id: str, events: Sequence[EventText], span: Sequence[int] | None) -> bool:
        """Send what the message brings of this deployment; return False when the client lacks something before it.

        `span`: the message has all that happened from the first sequence to the last, log lines apart.
        """
        sent = self.sent.get(deployment_id, -1)
        if span is None or sent < 0 or not span[0] - 1 <= sent:
            return False
        for event in events:
            if event.deployment_id == deployment_id and event.sequence > sent:
                await self.say_text(event.text)
        self.sent[deployment_id] = max(sent, span[1])
        return True

    async def _bring_up_to_date(self, deployment: DeploymentRecord, *, moment: str) -> None:
        """Send the events that the client lacks of this deployment, or the deployment whole.

        `moment`: a message's; who lacks the same because of it reads it once.
        """
        key = str(deployment.id)
        behind = deployment.last_sequence - self.sent.get(key, -1)
        if behind <= 0:
            return
        if self.sent.get(key, -1) < 0 or behind > MAX_BEHIND:
            name = await self._name(deployment.target)
            await self.say({"kind": "deployment", "deployment": wire.summary_shape(deployment, target_name=name)})
            self.sent[key] = deployment.last_sequence
            return
        while events := await self._events_once(deployment, after=self.sent[key], moment=moment):
            for sequence, event in events:
                if event is not None:
                    await self.say_text(event.text)
                self.sent[key] = sequence

    async def _say_stacks(self, *, moment: str | None) -> None:
        """How the stacks are now, or were at the moment of a message; the newest word replaces those before."""
        stacks = await self.read_once("stacks", self._stacks, moment=moment)
        if not (stacks or self.said_stacks):
            return
        incidents = await self.read_once("incidents", self._incidents, moment=moment)
        # The same object is what was read for all, and said before.
        if stacks is not self.said_stacks or incidents is not self.said_incidents:
            await self.say({"kind": "stacks", "stacks": stacks, "incidents": incidents})
        self.said_stacks, self.said_incidents = stacks, incidents

    @database_sync_to_async
    def _stacks(self) -> dict[str, Any]:
        return lane_view.seen_shapes(caller=self.caller, project_id=self.subject)

    @database_sync_to_async
    def _incidents(self) -> list[dict[str, Any]]:
        return people.open_briefs(caller=self.caller, project_id=self.subject)[0]

    @database_sync_to_async
    def _view(self) -> ProjectView:
        return project_view.view_project(caller=self.caller, project_id=self.subject)

    @database_sync_to_async
    def _find(self, deployment_id: UUID) -> DeploymentRecord:
        return lookups.get_deployment(caller=self.caller, deployment_id=deployment_id)

    async def _name(self, target: Target) -> str:
        async def read() -> str:
            return await database_sync_to_async(machine_list.target_name)(target)

        return await self.read_once(f"name of {target.id}", read)

    async def _events_once(self, deployment: DeploymentRecord, *, after: int, moment: str) -> Sequence[Numbered]:
        read = partial(self._events, deployment, after=after)
        what = f"events of {deployment.id} after {after}"
        return await (self.read_once(what, read, moment=moment) if moment else read())

    @database_sync_to_async
    def _events(self, deployment: DeploymentRecord, *, after: int) -> Sequence[Numbered]:
        found = lookups.events_after(caller=self.caller, deployment_id=deployment.id, sequence=after, limit=MAX_BEHIND)
        return [(each.sequence, _text_of(each)) for each in found]


def _text_of(event: EventRecord) -> EventText | None:
    return None if event.type == EventType.LOG_WRITTEN else event_text(event_shape(event))
