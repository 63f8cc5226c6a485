"""A process that is stopped in the middle of something and wakes up when others have gone on: it changes nothing."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
import pytest
from redis import Redis

from deployments.types import lane_of
from tests.docker_events import heard_starts
from tests.e2e import docker_view
from tests.e2e.conftest import MakeProject
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import node_id, server_code, two_services

pytestmark = [pytest.mark.docker, pytest.mark.slow]
SECONDS = 30.0
# What the worker needs next at two moments: the stack is generated, its values are not known yet; all is prepared, and
# nothing stored. At the second one it sleeps with a transaction open and the lane locked.
NEXT: dict[str, LiteralString] = {
    "generated": "LOCK TABLE project_secrets IN ACCESS EXCLUSIVE MODE",
    "storing": "SELECT pg_advisory_xact_lock(hashtextextended('lane:' || %(lane)s, 0))",
}
WAITS_FOR_US = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
STORED: tuple[LiteralString, ...] = (
    "SELECT to_jsonb(d) FROM deployments d WHERE id = %s",
    "SELECT to_jsonb(c) FROM agent_commands c WHERE deployment_id = %s",
    "SELECT to_jsonb(h) FROM deployment_history h WHERE deployment_id = %s",
    "SELECT to_jsonb(s) FROM project_secrets s JOIN deployments d USING (project_id) WHERE d.id = %s ORDER BY s.id",
)


@contextmanager
def kept_from(plane: ControlPlane, statement: LiteralString, **values: str) -> Iterator[Callable[[], bool]]:
    """While the block runs the database gives nobody else what the statement locks; tells whether somebody waits."""
    with psycopg.connect(plane.postgres.url) as holder, psycopg.connect(plane.postgres.url, autocommit=True) as looker:
        holder.execute(statement, values)

        def somebody_waits() -> bool:
            found = looker.execute(WAITS_FOR_US, [holder.info.backend_pid]).fetchone()
            return bool(found and found[0])

        yield somebody_waits


def stored(plane: ControlPlane, deployment: str) -> list[Any]:
    """All that there is of the deployment, but for marks that others set later."""
    return [*(plane.sql(statement, deployment) for statement in STORED), plane.events(deployment)]


def job_is_over(plane: ControlPlane, deployment: str) -> bool:
    """Whether the first job that was queued for it has come to an end, whichever."""
    with Redis.from_url(plane.redis.url) as queue:
        return queue.hget(f"rq:job:run-{deployment}-0", "status") in (b"finished", b"failed")


def put_worker_asleep(plane: ControlPlane, project: str, *, moment: str) -> str:
    """A deployment whose job the worker has begun and does not end."""
    plane.put_asleep("worker")
    deployment = plane.deploy(project)
    lane = lane_of(project_id=project, target_id=plane.bootstrap["server"])  # type: ignore[arg-type]  # as texts
    with kept_from(plane, NEXT[moment], lane=lane) as somebody_waits:
        plane.wake("worker")
        wait_for(somebody_waits, seconds=SECONDS, what="the worker in its job", details=plane.tails)
        plane.put_asleep("worker")
    return deployment


@pytest.fixture
def second_worker(control_plane: ControlPlane) -> Iterator[Callable[[], None]]:
    """Starts it; when the test is over, the first one works alone again."""
    yield lambda: control_plane.start_another("worker", name="second worker")
    control_plane.wake("worker")
    if second := control_plane.children.pop("second worker", None):
        second.stop()


@pytest.mark.parametrize("moment", NEXT)
def test_a_worker_that_slept_in_its_job_is_overtaken_and_changes_nothing(
    control_plane: ControlPlane, two_parts: MakeProject, second_worker: Callable[[], None], moment: str
) -> None:
    project = two_parts()
    with docker_view.counted_starts(project) as starts:
        deployment = put_worker_asleep(control_plane, project, moment=moment)
        second_worker()
        ended = control_plane.wait_for_end(deployment, seconds=SECONDS)
        assert ended["status"] == 3, ended
        before = stored(control_plane, deployment)
        control_plane.wake("worker")
        wait_for(lambda: job_is_over(control_plane, deployment), seconds=SECONDS, what="its end")
        assert stored(control_plane, deployment) == before
        assert starts() == {"web": 1, "api": 1}
    commands, events = before[1], before[-1]
    assert len(commands) == 1
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    control_plane.children.pop("second worker").stop()
    again = control_plane.wait_for_end(control_plane.deploy(project))
    assert again["status"] == 3, "it works on as if nothing had been"


@dataclass
class Shop:
    """A project of which a version runs; the agent can be put asleep before or while it brings up another one."""

    plane: ControlPlane
    project: str

    def deploy(self, text: str, **code: Any) -> str:
        new = server_code(text=f"{text} {uuid.uuid4()}", **code)
        self.plane.put_code(self.project, node_id("api"), new)
        return self.plane.deploy(self.project)

    def cancel(self, deployment: str) -> None:
        assert self.plane.api(f"deployments/{deployment}/cancel", send={}).status == 202

    def let_deadline_pass(self, deployment: str) -> None:
        """As if nobody had confirmed the cancel for as long as that may take."""
        self.plane.sql("UPDATE deployments SET deadline_at = now() WHERE id = %s", deployment)
        wait_for(lambda: self.status(deployment) == 4, seconds=SECONDS, what="the deadline", details=self.plane.tails)

    def is_sent(self, deployment: str) -> bool:
        """Whether its command was written to the agent, who has not answered."""
        asked = self.plane.sql("SELECT status FROM agent_commands WHERE deployment_id = %s", deployment)
        return asked == [("sent",)]

    def wait_until_sent(self, deployment: str) -> None:
        wait_for(lambda: self.is_sent(deployment), seconds=SECONDS, what="the command", details=self.plane.tails)
        assert self.status(deployment) == 2

    def status(self, deployment: str) -> int:
        return int(self.plane.get(deployment)["status"])

    def changes(self, deployment: str) -> list[tuple[str, str]]:
        events = self.plane.events(deployment)
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        found = [event["payload"] for event in events if event["type"] == "deployment.status_changed"]
        return [(each["from"], each["to"]) for each in found]

    @contextmanager
    def counted_starts(self) -> Iterator[Callable[[], Counter[tuple[str, str]]]]:
        """By deployment and service, as Docker tells it."""
        with heard_starts(label=f"axion.project={self.project}") as heard:
            yield lambda: Counter((each["axion.deployment"], each["axion.service"]) for each in heard())


@pytest.fixture(scope="module")
def shop(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    code = {name: server_code(text=name) for name in ("web", "api")}
    folder = write_project(
        tmp_path_factory.mktemp("shop"),
        name="Sleepy",
        graph=two_services(lives_long=True),
        code=code,
        concurrency="supersede",
    )
    shop = Shop(plane=control_plane, project=control_plane.import_project(folder))
    ended = control_plane.wait_for_end(control_plane.deploy(shop.project))
    assert ended["status"] == 3, ended
    yield shop
    control_plane.remove(shop.project)


@pytest.fixture
def agent(control_plane: ControlPlane) -> Iterator[str]:
    yield "runner"
    control_plane.wake("runner")


def put_agent_asleep_at_work(shop: Shop, agent: str) -> str:
    """A deployment that has started a container, and is not done with it."""
    with shop.counted_starts() as starts:
        deployment = shop.deploy("slow", listens_after=40)
        wait_for(lambda: starts()[deployment, "api"] == 1, seconds=SECONDS, what="its container")
        shop.plane.put_asleep(agent)
    return deployment


def test_an_agent_that_slept_through_a_cancel_does_only_what_is_asked_for_last(shop: Shop, agent: str) -> None:
    first = put_agent_asleep_at_work(shop, agent)
    with shop.counted_starts() as starts:
        shop.cancel(first)
        superseded, last = shop.deploy("never"), shop.deploy("last")
        assert [shop.status(each) for each in (first, superseded, last)] == [2, 4, 1]
        shop.plane.wake(agent)
        ended = [shop.plane.wait_for_end(each) for each in (first, superseded, last)]
        assert [(each["status"], each["reason"]) for each in ended] == [
            (4, "cancelled"),
            (4, "superseded"),
            (3, ""),
        ]
        assert starts() == {(last, "api"): 1}
    assert "what ran before is back" in ended[0]["errorMessage"]
    assert shop.changes(first) == [("pending", "in_progress"), ("in_progress", "failed")]
    assert shop.plane.sql("SELECT 1 FROM agent_commands WHERE deployment_id = %s", superseded) == []


@pytest.mark.parametrize("at_work", [True, False], ids=["at_work", "before_the_command"])
def test_an_agent_that_slept_until_others_gave_up_does_nothing_of_it_any_more(
    shop: Shop, agent: str, at_work: bool
) -> None:
    web = docker_view.containers(shop.project)["web"]["Id"]
    if at_work:
        first = put_agent_asleep_at_work(shop, agent)
    else:
        shop.plane.put_asleep(agent)
        first = shop.deploy("unseen")
        shop.wait_until_sent(first)
    with shop.counted_starts() as starts:
        shop.cancel(first)
        shop.let_deadline_pass(first)
        given_up = shop.plane.get(first)
        last = shop.deploy("newest")
        shop.wait_until_sent(last)
        shop.plane.wake(agent)
        ended = shop.plane.wait_for_end(last)
        assert ended["status"] == 3, ended
        assert starts() == {(last, "api"): 1}
    after = shop.plane.get(first)
    assert (after["status"], after["reason"]) == (given_up["status"], given_up["reason"]) == (4, "cancelled")
    assert after["errorMessage"].startswith(given_up["errorMessage"])
    assert "The agent has answered since." in after["errorMessage"]
    assert shop.changes(first) == [("pending", "in_progress"), ("in_progress", "failed")]
    running = docker_view.containers(shop.project)
    assert (running["web"]["Id"], running["api"]["Config"]["Labels"]["axion.deployment"]) == (web, last)
