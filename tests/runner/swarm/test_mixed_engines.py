"""One Swarm of engines that are years apart: what one of them proves the other goes on with, forward and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from axion_deploy.embedded.engine_network import EngineNetwork
from tests.runner.swarm.asked_for import asked_for
from tests.runner.swarm.conftest import Cluster, Manned
from tests.runner.swarm.faults import all_ready, done, ended, hand_on, picture, settled, start, versions
from tests.runner.swarm.stacks import SwarmStack
from tests.servers.newer_engine import find_newer_engine
from tests.servers.own_docker import missing
from tests.servers.own_engines import OwnEngine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    asked_for(takes="takes minutes"),
    pytest.mark.skipif(bool(missing()), reason=f"engines of our own need {missing()}"),
]
NAMES = ("older-1", "newer-2", "older-3")


class EitherEngine(OwnEngine):
    """The newer engine, on a server whose name says so."""

    def __init__(self, *, name: str, **furnished: Any) -> None:
        super().__init__(name=name, **furnished)
        if name.startswith("newer"):
            self.program = find_newer_engine()


@pytest.fixture(scope="module")
def mixed(base_image: str) -> Iterator[Cluster]:
    if not find_newer_engine():
        pytest.skip("the next Debian's docker.io cannot be had here")
    engines = EngineNetwork(NAMES, kind=EitherEngine)
    try:
        engines.start()
        engines.copy_images(base_image)
        made = Cluster(engines)  # type: ignore[arg-type]
        made.ask("swarm", "init", "--advertise-addr", made.servers[0].address)
        token = made.ask("swarm", "join-token", "--quiet", "manager").strip()
        for number in (1, 2):
            made.ask("swarm", "join", "--token", token, f"{made.servers[0].address}:2377", by=number)
        all_ready(made)
        yield made
        for server in made.servers:
            server.kill()
    finally:
        engines.stop()


def test_older_and_newer_engines_are_one_cluster(
    mixed: Cluster, man_on: Callable[..., Manned], project_on: Callable[[Cluster], SwarmStack]
) -> None:
    older, newer = (mixed.ask("version", "--format", "{{.Server.Version}}", by=by).strip() for by in (0, 1))
    assert older.split(".")[0] != newer.split(".")[0]
    nodes = {"web": {"replicas": "3", "env__VERSION": "1"}, "side": {"env__VERSION": "1"}}
    base = replace(project_on(mixed), nodes=nodes, window=3)
    first, second = man_on(mixed, 0), man_on(mixed, 1)
    proven = done(first, base.deploy())
    before, side = picture(mixed, base), mixed.ids(base)["side"]
    # Both tell the same, and tasks run on both.
    assert picture(mixed, base, by=1) == before
    assert {task["NodeID"] for task in mixed.tasks(base)["web"]} == {each["ID"] for each in mixed.nodes()}

    # Begun on the older one, ended on the newer one.
    changed = base.with_node("web", env__VERSION="2").deploy()
    start(first, changed)
    first.gateway.until(lambda: first.gateway.reports.get(changed.command_id), what="its first word", seconds=60)
    first.agent.kill()
    hand_on(first=first, to=second, stack=base, command=changed)
    ended(second, changed)
    assert versions(mixed, base) == versions(mixed, base, by=1) == {"2"}

    # What fails goes back there, and a rollback, too.
    failed = done(second, base.with_node("web", env__VERSION="3", env__MODE="sick").deploy(), pb.RESTORED)
    assert (failed.reason, failed.failed_service) == ("unhealthy", "web")
    assert versions(mixed, base) == {"2"}
    pinned = {each.service_name: each.image_digest for each in proven.services}
    done(second, base.deploy(pinned=pinned))
    settled(mixed, base, before)
    assert mixed.ids(base)["side"] == side
