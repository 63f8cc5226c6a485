"""Where a stack's lane stands, kept in the Swarm itself: any manager's agent can go on, and one at a time does.

It is a config that no service uses. Docker changes its labels only for whoever has read the newest version of it, so
of two agents one is told that the other was first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from agents.runner.commands.swarm.manager_api import ManagerApi, Record
from agents.runner.commands.swarm.swarm_model import LABEL_RECORD, LABEL_STACK
from agents.runner.errors import StepFailedError, TakenOverError
from agents.runner.journal.releases import Phase
from agents.runner.planning.model import LABEL_LANE, LABEL_PROJECT

KIND = "lane"
LABEL_STATE = "axion.state"
# Docker keeps no config without content.
CONTENT = b"The lane's state stands in this config's labels.\n"
MAX_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """`number` is the lane's highest command, at which the agent of the node `holder` works, about `deployment`.

    `current` was proven last and `base` is what `deployment` replaces; empty for none. `touched`: services may have
    been changed for `deployment`. `places`: by volume, the node that holds it. `networks`: those from before.
    """

    number: int = 0
    holder: str = ""
    deployment: str = ""
    phase: Phase = Phase.PREPARING
    touched: bool = False
    base: str = ""
    current: str = ""
    failure: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    strangers: bool = False


class Lane:
    """One command's hold on the lane of a stack. Every step asks first whether it still holds it."""

    def __init__(self, *, api: ManagerApi, stack: str, lane: str, project_id: str, number: int) -> None:
        self._api = api
        self.stack = stack
        self._lane = lane
        self._project_id = project_id
        self._number = number
        self._holder = api.node_id()
        self.state = LaneState()

    def claim(self, **changes: Any) -> LaneState:
        """Take the lane over for this command. Raises TakenOverError where a newer one has it.

        StepFailedError where another lane or project has a stack of this name.
        """
        return self._change(lambda state: replace(state, number=self._number, holder=self._holder, **changes))

    def begin(self, *, deployment_id: str, networks: tuple[str, ...], strangers: bool) -> LaneState:
        """Claim it and note what is about to be replaced; a repeat changes nothing.

        `strangers`: services run that no deployment of this Swarm is known for.
        """

        def change(state: LaneState) -> LaneState:
            held = replace(state, number=self._number, holder=self._holder)
            if state.deployment == deployment_id:
                return held
            return replace(
                held,
                deployment=deployment_id,
                phase=Phase.PREPARING,
                touched=False,
                base=state.current,
                failure={},
                networks=networks,
                strangers=strangers,
            )

        return self._change(change)

    def note(self, **changes: Any) -> LaneState:
        """Store changes of what this command holds. Raises TakenOverError once it does not any more."""

        def change(state: LaneState) -> LaneState:
            self._check_held(state)
            return replace(state, **changes)

        return self._change(change)

    def check(self) -> None:
        """Raise TakenOverError when another agent or a newer command has the lane by now."""
        record = self._api.record(lane_name(self.stack))
        self._check_held(state_of(record) if record else LaneState())

    def read(self) -> LaneState:
        record = self._api.record(lane_name(self.stack))
        return state_of(record) if record else LaneState()

    def _check_held(self, state: LaneState) -> None:
        if (state.number, state.holder) != (self._number, self._holder):
            raise TakenOverError(
                f"Another manager's agent went on with this by command {state.number}: this one changes nothing more."
            )

    def _change(self, change: Callable[[LaneState], LaneState]) -> LaneState:
        for _ in range(MAX_TRIES):
            record = self._api.record(lane_name(self.stack))
            former = state_of(record) if record else LaneState()
            self._check_may_take(record, former)
            state = change(former)
            if self._store(record, state):
                self.state = state
                return state
        raise StepFailedError("internal", "Others change the lane's state in the Swarm all the time.")

    def _check_may_take(self, record: Record | None, state: LaneState) -> None:
        if record is not None and record.labels.get(LABEL_LANE) != self._lane:
            message = f"The stack {self.stack} of this Swarm is another project's or cluster's; nothing was touched."
            raise StepFailedError("invalid", message)
        ours = state.number < self._number or (state.number == self._number and state.holder == self._holder)
        if not ours:
            self._check_held(state)

    def _store(self, record: Record | None, state: LaneState) -> bool:
        labels = {
            LABEL_RECORD: KIND,
            LABEL_STACK: self.stack,
            LABEL_PROJECT: self._project_id,
            LABEL_LANE: self._lane,
            LABEL_STATE: json.dumps(asdict(state)),
        }
        if record is None:
            return self._api.create_record(name=lane_name(self.stack), labels=labels, data=CONTENT)
        return self._api.relabel(record, labels=labels)


def lane_name(stack: str) -> str:
    """Return the name of the config that holds the state of the stack's lane."""
    return f"axion-lane-{hashlib.sha256(stack.encode()).hexdigest()[:32]}"


def state_of(record: Record) -> LaneState:
    """Return what was stored; what a newer agent stored besides is left out."""
    stored = json.loads(record.labels.get(LABEL_STATE, "{}"))
    known = {each.name for each in fields(LaneState)}
    found = {name: value for name, value in stored.items() if name in known}
    if "phase" in found:
        found["phase"] = Phase(found["phase"])
    if "networks" in found:
        found["networks"] = tuple(found["networks"])
    return LaneState(**found)
