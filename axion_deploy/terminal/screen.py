"""What the terminal shows: lines for people, a moving last line where one can move, or JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from django.utils import translation

from agents.wording.pages import shown
from agents.wording.sentences import sentence
from deployments.errors import DeployError
from deployments.event_types import EventType
from deployments.rules.conditions import StackCondition
from deployments.rules.observed import ObservedTask
from deployments.services.queries.stack_list import StackLine
from deployments.states import FAILURES, REASON_LABELS, RESULT_LABELS, Result, Status, result_of
from deployments.types import DeploymentRecord, EventRecord
from deployments.wire import deployment_shape, event_shape, seen_shape

BAR = 24
CLEAR = "\r\x1b[2K"


class Screen:
    """With `as_json` every line is one JSON object with a `kind`; people's words are then left out."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, language: str = "en") -> None:
        self.as_json = as_json
        self.language = language
        self.out = out or sys.stdout
        self.moves = not as_json and self.out.isatty()
        self.last = ""

    def say(self, text: str, *, indent: int = 0) -> None:
        """Print a line for people, in their language."""
        if not self.as_json:
            self.out.write(f"{CLEAR if self.moves else ''}{' ' * indent}{self.words(text)}\n")
            self.out.flush()

    def words(self, text: str) -> str:
        """Return a sentence in the terminal's language."""
        with translation.override(self.language):
            return shown(text)

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Print a line of JSON for scripts."""
        if self.as_json:
            self.out.write(json.dumps({"kind": kind, **data}) + "\n")
            self.out.flush()

    def problem(self, error: DeployError) -> None:
        """Print a problem: to the error stream for people, in line for scripts."""
        self.tell("error", {"code": error.code, "message": error.message, "details": error.details})
        if not self.as_json:
            details = (f"  {field}: {self.words(why)}" for field, why in error.details.items())
            lines = [self.words(error.message), *details]
            sys.stderr.write("\n".join(lines) + "\n")

    def event(self, event: EventRecord) -> None:
        """Show an event."""
        self.tell("event", {"event": event_shape(event)})
        if event.type == EventType.LOG_WRITTEN:
            self.log(event)
        elif text := self.sentence(event):
            self.say(f"{event.created_at:%H:%M:%S}Z  {text}")

    def log(self, event: EventRecord) -> None:
        name = event.payload.get("serviceName") or event.payload.get("source", "")
        for line in str(event.payload.get("text", "")).rstrip("\n").split("\n"):
            self.say(f"{event.created_at:%H:%M:%S}Z  {name} | {line}")

    def progress(self, deployment: DeploymentRecord) -> None:
        """Move the last line; without a terminal do nothing, as every event has its own line there."""
        if not self.moves:
            return
        full = BAR * deployment.progress // 100
        states = ", ".join(f"{service.name} {service.state}" for service in deployment.services)
        text = f"[{'#' * full}{'.' * (BAR - full)}] {deployment.progress:3}%  {self.result(deployment)}  {states}"
        if text != self.last:
            self.out.write(f"{CLEAR}{text[:150]}")
            self.out.flush()
            self.last = text

    def stack(self, line: StackLine, *, at: datetime) -> None:
        """Show how a stack is, as of the last time that its agent was heard."""
        seen, state = line.seen, line.seen.state
        shown = {"projectId": str(line.project_id), "serverId": str(line.server_id), **seen_shape(seen)}
        self.tell("stack", {"stack": {**shown, "projectName": line.project_name, "serverName": line.server_name}})
        known = state.since_ms and state.condition is not StackCondition.UNKNOWN
        since = span(at - datetime.fromtimestamp(state.since_ms / 1000, tz=UTC)) if known else ""
        how_long = sentence("{condition} for {age}", condition=state.condition, age=since) if since else state.condition
        seen_at = (
            sentence("last seen {age} ago", age=span(at - seen.seen_at)) if seen.seen_at else sentence("never seen")
        )
        self.say(
            sentence(
                "{project} on {server}: {condition}, {last_seen}",
                project=line.project_name,
                server=line.server_name,
                condition=how_long,
                last_seen=seen_at,
            )
        )
        if state.message:
            self.say(state.message, indent=2)
        for service in state.services:
            self.say(f"  {service.name:<20} {service.condition:<11} {service.running}/{service.copies}")
            for task in service.tasks:
                self.task(task)

    def task(self, task: ObservedTask) -> None:
        """Show a task of a service, on which server it is and what is wrong with it."""
        why = f": {self.words(task.message)}" if task.message else ""
        where = task.host or sentence("no server")
        said = sentence("{task} on {server}, {state}", task=task.name, server=where, state=task.state)
        self.say(f"{self.words(said)}{why}", indent=4)

    def ended(self, deployment: DeploymentRecord) -> None:
        """Show how the deployment ended, or how it is."""
        self.tell("deployment", {"deployment": deployment_shape(deployment), "state": str(deployment.status)})
        reason = self.words(REASON_LABELS.get(deployment.reason, ""))
        because = f" ({reason})" if deployment.result in FAILURES else ""
        version = f" {deployment.version}" if deployment.version else ""
        self.say(f"{deployment.kind} {deployment.id}{version}: {self.result(deployment)}{because}")
        if deployment.description:
            self.say(f"  {deployment.description}")
        if deployment.message:
            self.say(deployment.message, indent=2)
        for line in deployment.log_tail:
            if line:
                self.say(f"  {line}")

    def result(self, deployment: DeploymentRecord) -> str:
        """Return the result as pages name it, and the stage while there is one."""
        if deployment.result is Result.DEPLOYING and deployment.stage:
            return str(deployment.stage).replace("_", " ")
        return self.words(RESULT_LABELS[deployment.result]).lower()

    def sentence(self, event: EventRecord) -> str:
        """Return one line for people; empty for what is only for programs."""
        payload = event.payload
        if event.type == EventType.STATUS_CHANGED:
            undone = bool(payload.get("rolledBackBy"))
            result = result_of(status=Status(payload["to"]), reason=payload["reason"], undone=undone)
            said = self.words(str(payload["message"]))
            return f"{self.words(RESULT_LABELS[result]).lower()} {said}".rstrip()
        if event.type == EventType.STAGE_REACHED:
            return f"{str(payload['stage']).replace('_', ' ')} {payload['percent']} %"
        if event.type == EventType.SERVICE_CHANGED:
            # Without a health check there is no health.
            states = [payload["state"], *([payload["health"]] if payload["health"] != "none" else [])]
            return f"{payload['serviceName']}: {', '.join(map(self.words, states))}"
        return str(event.type).partition(".")[2].replace("_", " ")


def span(age: timedelta) -> str:
    """Return an age in one unit; clocks of two machines may differ by a moment."""
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
