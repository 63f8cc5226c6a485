"""No needless downtime: a client that never stops asking the gateway sees no failed request."""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.planning import progress
from tests.docker_events import heard_starts
from tests.runner.commands.test_deploy import deploy, exclusive
from tests.runner.conftest import Agent, remove_stack
from tests.runner.gateway import TestGateway
from tests.runner.served import DOCKERFILE, NEVER, SERVER, Served, ask, free_port, hammering

pytestmark = pytest.mark.docker
Copies = Callable[[str], dict[str, dict[str, Any]]]
# A connection opened before the switch may still bring its first request to the old copy.
OVERLAP_SECONDS = 1.0


@pytest.fixture(scope="session")
def server_image(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tag = f"axion-test-served/base:{uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("served")
    for name, text in (("Dockerfile", DOCKERFILE), ("server.py", SERVER)):
        (folder / name).write_text(text)
    subprocess.run(
        ["docker", "build", "-q", "-t", tag, str(folder)],
        check=True,
        capture_output=True,
        env={"DOCKER_BUILDKIT": "1", "PATH": "/usr/bin:/bin"},
    )
    yield tag
    engine.remove_image(tag, force=True)


@pytest.fixture
def served(engine: Any, server_image: str) -> Iterator[Served]:
    name = f"axion-test-{uuid4().hex[:8]}"
    yield Served(name=name, project_id=str(uuid4()), image=server_image, port=free_port())
    remove_stack(engine, name)


@pytest.fixture
def copies(engine: Any, served: Served) -> Copies:
    """`docker inspect` of a service's containers, by id."""

    def look(service: str) -> dict[str, dict[str, Any]]:
        labels = [f"com.docker.compose.project={served.name}", f"com.docker.compose.service={service}"]
        found = engine.containers(all=True, filters={"label": labels})
        return {each["Id"]: engine.inspect_container(each["Id"]) for each in found}

    return look


@pytest.fixture
def starts(served: Served) -> Iterator[Callable[[], dict[str, int]]]:
    with heard_starts(label=f"com.docker.compose.project={served.name}") as heard:
        yield lambda: dict(Counter(f"{each['axion.deployment'][:2]} {each['axion.service']}" for each in heard()))


def leads_by_name(copies: Copies) -> bool:
    """Whether the gateway goes by its own file, in which services are called by their names."""
    (edge,) = copies("edge")
    argv = ["docker", "exec", edge, "wget", "-q", "-O", "-", "http://127.0.0.1:2019/reverse_proxy/upstreams"]
    said = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout)
    return sorted(each["address"] for each in said) == ["api:8000", "pages:8000"]


def unfinished_request(served: Served) -> tuple[threading.Thread, list[tuple[str, str]]]:
    """A request that is answered when its copy is let go; the answer is in the list when the thread has ended."""
    answers: list[tuple[str, str]] = []

    def wait() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)) as connection:
            try:
                answers.append(ask(connection, "/wait"))
            except (OSError, http.client.HTTPException) as error:
                answers.append(("", repr(error)))

    thread = threading.Thread(target=wait)
    thread.start()
    return thread, answers


def taking_over(gateway: TestGateway, command: pb.Command) -> bool:
    return any(report.stage.percent == progress.SWITCHING for report in gateway.reports.get(command.command_id, []))


def test_the_new_copy_takes_over_when_it_is_ready_and_so_does_the_old_version_in_a_rollback(
    agent: Agent, gateway: TestGateway, served: Served, copies: Copies
) -> None:
    deploy(gateway, served.deploy())
    old, pages, edge = copies("api"), copies("pages"), copies("edge")
    pins = {name: each["Image"] for name in ("api", "pages", "edge") for each in copies(name).values()}
    second = served.with_api(version="2", ready_after=3).deploy()
    with hammering(served.port) as hammer:
        gateway.send(second)
        gateway.until(lambda: gateway.observed(second.command_id, "api", "running"), what="the new copy")
        thread, slow = unfinished_request(served)
        switched = hammer.wait_for("2")
        time.sleep(OVERLAP_SECONDS + 0.3)  # the old copy has still one to answer
        for each in old:
            subprocess.run(["docker", "exec", each, "touch", "/tmp/go"], check=True, timeout=30)
        finished = gateway.finished(second.command_id)
        thread.join(30)
        new, proven = copies("api"), time.monotonic()
        rolled_back = deploy(gateway, served.deploy(pinned=pins))
        back, restored = copies("api"), time.monotonic()
        time.sleep(0.3)  # some more requests
    assert finished.outcome == rolled_back.outcome == pb.SUCCEEDED, (finished, rolled_back)
    assert hammer.failures == []
    assert slow == [("1", "")]  # begun at the old copy, and answered by it
    assert hammer.versions(since=switched + OVERLAP_SECONDS, until=proven) == {"2"}
    assert hammer.versions(since=restored) == {"1"}
    assert list(finished.services[0].container_ids) == list(new)
    assert len(new) == len(back) == 1
    assert len({*old, *new, *back}) == 3
    assert (copies("pages").keys(), copies("edge").keys()) == (pages.keys(), edge.keys())
    assert leads_by_name(copies)


def test_a_success_taken_back_loses_no_request_either(
    agent: Agent, gateway: TestGateway, served: Served, copies: Copies
) -> None:
    deploy(gateway, served.deploy())
    second = served.with_api(version="2").deploy()
    assert deploy(gateway, second).outcome == pb.SUCCEEDED
    with hammering(served.port) as hammer:
        reverted = deploy(gateway, served.revert(second))
        restored = time.monotonic()
        time.sleep(0.3)
    assert reverted.outcome == pb.RESTORED, reverted
    assert hammer.failures == []
    assert hammer.versions(since=restored) == {"1"}
    assert len(copies("api")) == 1
    assert leads_by_name(copies)


def test_a_version_that_never_becomes_healthy_gets_no_request_and_the_old_copy_runs_on(
    agent: Agent, gateway: TestGateway, served: Served, copies: Copies
) -> None:
    deploy(gateway, served.deploy())
    old = copies("api")
    sick = served.with_api(version="2", ready_after=NEVER, deadline=4)
    with hammering(served.port) as hammer:
        finished = deploy(gateway, sick.deploy())
        time.sleep(0.3)
    assert (finished.outcome, finished.failed_service) == (pb.RESTORED, "api"), finished
    assert hammer.failures == []
    assert hammer.versions() == {"1"}
    now = copies("api")
    assert {name: each["State"]["StartedAt"] for name, each in now.items()} == {
        name: each["State"]["StartedAt"] for name, each in old.items()
    }
    assert leads_by_name(copies)


def test_cancelled_in_the_middle_and_killed_on_the_way_back_only_the_new_copy_goes(
    agent: Agent, gateway: TestGateway, served: Served, copies: Copies
) -> None:
    deploy(gateway, served.deploy())
    old = copies("api")
    command = served.with_api(version="2", ready_after=NEVER).deploy()
    with hammering(served.port) as hammer:
        gateway.send(command)
        gateway.until(lambda: gateway.observed(command.command_id, "api", "running"), what="the new copy")
        revert = served.revert(command)
        gateway.send(revert)
        gateway.until(lambda: gateway.acknowledged(revert.command_id), what="the acknowledgement")
        agent.kill()
        agent.start()
        reverted = gateway.finished(revert.command_id)
        time.sleep(0.3)
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.RESTORED, True)
    assert hammer.failures == []
    assert hammer.versions() == {"1"}
    assert copies("api").keys() == old.keys()
    assert leads_by_name(copies)


def test_scaling_touches_no_copy_that_stays(
    agent: Agent, gateway: TestGateway, served: Served, copies: Copies, starts: Callable[[], dict[str, int]]
) -> None:
    deploy(gateway, served.deploy())
    one = copies("api")
    up = served.with_api(replicas=3).deploy()
    down = served.with_api(replicas=2).deploy()
    with hammering(served.port) as hammer:
        scaled = deploy(gateway, up)
        three = copies("api")
        deploy(gateway, down)
        two = copies("api")
        assert deploy(gateway, served.revert(down)).outcome == pb.RESTORED
    assert hammer.failures == []
    assert exclusive(served) == {"api": False, "pages": False, "edge": True}  # a port of the host
    assert scaled.outcome == pb.SUCCEEDED, scaled
    assert [(each.replicas, each.healthy_replicas) for each in scaled.services if each.service_name == "api"] == [
        (3, 3)
    ]
    assert one.keys() < three.keys()
    assert len(three) == 3
    assert one.keys() < two.keys() < three.keys()
    assert len(two) == 2
    back = copies("api")
    assert len(back) == 3  # the number of copies belongs to what is gone back to
    assert two.keys() < back.keys()
    assert starts() == {"d1 api": 4, "d1 pages": 1, "d1 edge": 1}


@pytest.mark.parametrize("moment", ["the new copy starts", "the old copy ends"])
def test_killed_in_the_middle_it_carries_on(
    agent: Agent,
    gateway: TestGateway,
    served: Served,
    copies: Copies,
    starts: Callable[[], dict[str, int]],
    moment: str,
) -> None:
    deploy(gateway, served.deploy())
    command = served.with_api(version="2", ready_after=1).deploy()

    def reached() -> bool:
        if moment == "the new copy starts":
            return gateway.observed(command.command_id, "api", "running")
        return taking_over(gateway, command)

    with hammering(served.port) as hammer:
        gateway.send(command)
        gateway.until(reached, what=moment)
        agent.kill()
        agent.start()
        finished = gateway.finished(command.command_id)
        proven = time.monotonic()
        time.sleep(0.3)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert hammer.failures == []
    assert hammer.versions(since=proven) == {"2"}
    assert starts()["d2 api"] == 1
    assert len(copies("api")) == 1
    assert leads_by_name(copies)


def test_a_gateway_that_stands_still_holds_nothing_up(
    agent: Agent, gateway: TestGateway, served: Served, copies: Copies, engine: Any
) -> None:
    deploy(gateway, served.deploy())
    (edge,) = copies("edge")
    cancelled = served.with_api(version="2").deploy()
    engine.kill(edge, "SIGSTOP")
    gateway.send(cancelled)
    gateway.until(lambda: "Plan:" in gateway.log(cancelled.command_id), what="the plan")
    revert = served.revert(cancelled)
    gateway.send(revert)
    assert gateway.finished(cancelled.command_id, seconds=8).reason == "cancelled"
    engine.kill(edge, "SIGCONT")
    assert gateway.finished(revert.command_id).outcome == pb.RESTORED
    assert leads_by_name(copies)


def test_a_gateway_that_was_not_told_to_go_by_names_again_is_told_later(
    agent: Agent, gateway: TestGateway, served: Served, copies: Copies, engine: Any
) -> None:
    deploy(gateway, served.deploy())
    (edge,) = copies("edge")
    elsewhere = "sed s/api:8000/elsewhere:8000/ /etc/caddy/Caddyfile > /tmp/led"
    reload = "caddy reload --config /tmp/led --adapter caddyfile"
    subprocess.run(["docker", "exec", edge, "sh", "-c", f"{elsewhere} && {reload}"], check=True, capture_output=True)
    assert not leads_by_name(copies)
    with closing(sqlite3.connect(agent.state_dir / "journal.sqlite3", timeout=10)) as journal, journal:
        journal.execute("INSERT INTO led VALUES (?, ?)", (edge, served.name))
    gateway.keep(pb.Retention(number=1))
    assert leads_by_name(copies)
    with closing(sqlite3.connect(agent.state_dir / "journal.sqlite3", timeout=10)) as journal:
        assert journal.execute("SELECT * FROM led").fetchall() == []
