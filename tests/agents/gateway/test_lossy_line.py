"""Whatever is lost, doubled or late between agent and gateway: what is stored was seen, and the last look is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.contracts import runner_pb2 as pb
from agents.reports.observation import HostObserved
from agents.runner.observation.telling import Telling
from agents.transport.intake.observation_intake import ASK_AGAIN_SECONDS, ObservationIntake

Looks = list[dict[str, str]]
STATES = st.sampled_from(["running", "exited", "paused"])
LOOKS: st.SearchStrategy[Looks] = st.lists(st.dictionaries(st.sampled_from("abcd"), STATES), min_size=1, max_size=8)
FATES = st.lists(st.sampled_from(["comes", "lost", "twice", "late"]), min_size=30, max_size=30)
IDS = {letter: letter * 64 for letter in "abcd"}


@dataclass
class Line:
    """A session whose messages may be lost, doubled or swapped, and what the domain was given."""

    session_id: Any = field(default_factory=uuid4)
    agent_id: Any = field(default_factory=uuid4)
    asked: bool = False
    now: float = 0.0
    stored: list[dict[str, str]] = field(default_factory=list)

    def offer(self, message: pb.ToAgent) -> None:
        self.asked |= message.HasField("observe_again")

    async def run(self, store: Callable[..., None], *, observed: HostObserved) -> None:
        store(observed=observed)

    def store(self, *, observed: HostObserved) -> None:
        self.stored.append({seen.id[0]: seen.state for seen in observed.containers})


def messages(telling: Telling, states: dict[str, str]) -> Iterator[pb.Observation]:
    seen = {IDS[key]: pb.ContainerSeen(id=IDS[key], state=state) for key, state in states.items()}
    # A copy, as the line makes one: the gateway cuts what it is given in place.
    return (pb.Observation.FromString(each.SerializeToString()) for each in telling.news(seen, at_ms=0))


async def live_through(looks: Looks, fates: list[str]) -> Line:
    line, telling, fate = Line(), Telling(), iter(fates * 4)
    session: Any = line
    intake = ObservationIntake(session=session, threads=session, on_observed=line.store, clock=lambda: line.now)
    drain = asyncio.create_task(intake.drain())
    late: list[pb.Observation] = []
    for states in looks:
        if line.asked:
            line.asked = False
            telling.start_again()
        for message in messages(telling, states):
            what = next(fate)
            copies = {"comes": [message], "lost": [], "twice": [message, message], "late": []}[what]
            for each in [*copies, *late]:
                intake.take(pb.Observation.FromString(each.SerializeToString()))
            late = [message] if what == "late" else []
        line.now += ASK_AGAIN_SECONDS
        await asyncio.sleep(0)
    # The line is sound from here on, and something else happens on the host: what is missing shows then at the latest.
    for states in ({**looks[-1], "d": "other"}, looks[-1], looks[-1]):
        if line.asked:
            line.asked = False
            telling.start_again()
        for message in messages(telling, states):
            intake.take(message)
        line.now += ASK_AGAIN_SECONDS
        for _ in range(3):
            await asyncio.sleep(0)
    drain.cancel()
    return line


@given(looks=LOOKS, fates=FATES)
@settings(deadline=None)
def test_any_losses_repeats_and_delays_end_in_the_last_look(looks: Looks, fates: list[str]) -> None:
    line = asyncio.run(live_through(looks, fates))
    assert line.stored[-1] == looks[-1]
    seen = [*looks, {**looks[-1], "d": "other"}]
    assert all(stored in seen for stored in line.stored), "nothing is stored that was never so"
