"""One run: projects come up, faults and people have their way for a while, then every promise is checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.checks import broken_promises, mark_stores
from tests.chaos.faults import Weather
from tests.chaos.installation import Installation
from tests.chaos.traffic import Traffic, code_of
from tests.chaos.watching import Watcher
from tests.e2e.control_plane import wait_for
from tests.e2e.graphs import node_id

STEP_SECONDS = 0.5
ACT_EVERY = (1.5, 5.0)
# By then each deadline of the installation has passed, one after the other, for what waits in three lanes.
SETTLE_SECONDS = 300.0
LAST_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`broken` holds a sentence for each promise that was not kept."""

    broken: list[str]
    faults: dict[str, int]
    actions: dict[str, int]
    endings: dict[str, int]


def run(*, folder: Path, engine_folder: Path, seconds: float, seed: int, say: Callable[[str], None]) -> Outcome:
    """Take `seconds` and what settling may take. The same seed draws the same faults in the same order."""
    plane = Installation(folder=folder, engine_folder=engine_folder)
    traffic = Traffic(plane=plane, random=Random(seed), say=say)
    weather = Weather(plane=plane, random=Random(seed + 1), say=say)
    watcher = Watcher(plane=plane)
    try:
        plane.start()
        traffic.set_up(folder / "projects")
        volumes = mark_stores(plane, traffic)
        _storm(traffic=traffic, weather=weather, watcher=watcher, seconds=seconds, random=Random(seed + 2))
        weather.clear_up()
        _settle(plane, watcher)
        broken = watcher.broken + broken_promises(plane, traffic, volumes=volumes)
        broken += _cannot_be_deployed(plane, traffic)
        endings = plane.sql("SELECT kind || ' ' || status || ' ' || reason, count(*) FROM deployments GROUP BY 1")
        return Outcome(broken=broken, faults=weather.counts, actions=traffic.counts, endings=dict(endings))
    finally:
        plane.stop()


def _storm(*, traffic: Traffic, weather: Weather, watcher: Watcher, seconds: float, random: Random) -> None:
    began = time.monotonic()
    act_at = 0.0
    while (at := time.monotonic() - began) < seconds:
        weather.pass_on(at=at)
        if at >= act_at:
            traffic.act()
            act_at = at + random.uniform(*ACT_EVERY)
        watcher.look()
        time.sleep(STEP_SECONDS)


def _settle(plane: Installation, watcher: Watcher) -> None:
    """Until every deployment has ended and every order to go back is answered."""

    def quiet() -> bool:
        watcher.look()
        unended = plane.sql("SELECT 1 FROM deployments WHERE status IN ('pending', 'in_progress', 'rolling_back')")
        open_commands = plane.sql("SELECT 1 FROM agent_commands WHERE status NOT IN ('finished', 'withdrawn')")
        return not unended and not open_commands

    wait_for(quiet, seconds=SETTLE_SECONDS, what="an end of all that was asked for", details=plane.tails)


def _cannot_be_deployed(plane: Installation, traffic: Traffic) -> list[str]:
    """A plain deployment of each project must succeed afterwards, side by side."""
    asked, said = {}, []
    for name, project in traffic.projects.items():
        plane.put_code(project, node_id("api"), code_of(f"after all {name}"))
        asked[name] = plane.deploy(project)
    for name, deployment in asked.items():
        ended = plane.wait_for_end(deployment, seconds=LAST_SECONDS)
        if ended["status"] != 3:
            said.append(f"{name} cannot be deployed afterwards: {ended['reason']}: {ended['errorMessage']}")
    return said
