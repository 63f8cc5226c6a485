"""Jobs: what runs to its end before the services that lead to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from stackgen.errors import GraphInvalid
from stackgen.graph.reader import parse_graph
from stackgen.results import COMPOSE_FILE, Stack, StackOptions
from stackgen.stack import generate


def node(name: str, /, node_type: int = 1, **config: Any) -> dict[str, Any]:
    given = {"image": "busybox:1", **config} if node_type == 1 else config
    return {"id": f"n-{name}", "type": node_type, "data": {"serviceName": name, "config": given}}


def edge(source: str, target: str) -> dict[str, Any]:
    return {"id": f"{source}-{target}", "source": f"n-{source}", "target": f"n-{target}", "type": 2}


def stack_of(*nodes: dict[str, Any], edges: tuple[dict[str, Any], ...] = (), engine: str = "compose") -> Stack:
    options = StackOptions(engine=engine)  # type: ignore[arg-type]  # one of the two
    return generate(
        graph=parse_graph({"nodes": list(nodes), "edges": list(edges)}),
        stack_name="axion-stack",
        project_id="p",
        code={},
        options=options,
    )


DB = node("db", 2, databaseType="postgresql")
MIGRATE = node("migrate", run="once-before", repeatable="true", jobTimeoutSeconds="60", command="migrate now")
EDGES = (edge("api", "migrate"), edge("api", "db"), edge("migrate", "db"))


def test_a_job_is_no_service_and_what_leads_to_it_waits_for_its_success() -> None:
    stack = stack_of(DB, node("api"), MIGRATE, edges=EDGES)
    assert [service.name for service in stack.services] == ["db", "api"]
    (job,) = stack.jobs
    assert (job.service.name, job.needs, job.before) == ("migrate", ("db",), ("api",))
    assert (job.repeatable, job.timeout_seconds) == (True, 60)
    services = yaml.safe_load(stack.files[COMPOSE_FILE])["services"]
    assert services["api"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert "DB_HOST" in services["migrate"]["environment"]
    # Nobody calls a job, so nobody is told where it is or joined with it.
    assert "MIGRATE_HOST" not in services["api"].get("environment", {})
    assert len(services["db"]["networks"]) == len(yaml.safe_load(stack.files[COMPOSE_FILE])["networks"])


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"hostPort": "80", "port": "80"}, "config.hostPort"),
        ({"replicas": "2"}, "config.replicas"),
        ({"healthPath": "/", "port": "80"}, "config.healthPath"),
        ({"restart": "always"}, "config.restart"),
        ({"jobTimeoutSeconds": "0"}, "config.jobTimeoutSeconds"),
        ({"run": "sometimes"}, "config.run"),
        ({"run": "on-schedule"}, "config.schedule"),
        ({"run": "on-schedule", "schedule": "61 * * * *"}, "config.schedule"),
        ({"run": "on-schedule", "schedule": "* * * * * *"}, "config.schedule"),
        ({"run": "on-schedule", "schedule": "0 0 30 2 *"}, "config.schedule"),
        ({"run": "on-schedule", "schedule": "0 3 * * *", "timeZone": "Europe/Nowhere"}, "config.timeZone"),
        ({"run": "on-schedule", "schedule": "0 3 * * *", "overlap": "often"}, "config.overlap"),
        ({"run": "by-hand", "schedule": "0 3 * * *"}, "config.schedule"),
    ],
)
def test_what_a_job_cannot_have_is_named(config: dict[str, str], field: str) -> None:
    with pytest.raises(GraphInvalid) as refused:
        stack_of(node("api"), node("migrate", 1, **{"run": "once-before", **config}))
    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_graph_of_jobs_alone_and_a_job_under_swarm_are_refused() -> None:
    with pytest.raises(GraphInvalid, match="all jobs"):
        stack_of(node("migrate", run="once-before"))
    with pytest.raises(GraphInvalid, match="jobs run on single servers only, not in a cluster"):
        stack_of(node("api"), node("migrate", run="once-before"), engine="swarm")


def test_nothing_can_wait_for_a_job_that_runs_by_hand() -> None:
    by_hand = node("seed", run="by-hand")
    (job,) = stack_of(node("api"), by_hand).jobs
    assert job.by_hand
    with pytest.raises(GraphInvalid, match="nothing can wait for it"):
        stack_of(node("api"), by_hand, edges=(edge("api", "seed"),))


def test_a_job_on_a_schedule_is_started_by_no_deployment_and_by_no_plain_up() -> None:
    nightly = node("nightly", run="on-schedule", schedule=" 30  2 * * MON-FRI", timeZone="Europe/Berlin")
    hourly = node("hourly", run="on-schedule", schedule="0 * * * *", overlap="replace")
    stack = stack_of(DB, node("api"), nightly, hourly, edges=(edge("nightly", "db"),))
    by_name = {job.service.name: job for job in stack.jobs}
    nightly_job, hourly_job = by_name["nightly"], by_name["hourly"]
    assert nightly_job.by_hand
    assert (nightly_job.schedule, nightly_job.time_zone) == ("30 2 * * MON-FRI", "Europe/Berlin")
    assert (nightly_job.overlap, nightly_job.needs) == ("forbid", ("db",))
    assert (hourly_job.time_zone, hourly_job.overlap) == ("UTC", "replace")
    services = yaml.safe_load(stack.files[COMPOSE_FILE])["services"]
    assert services["nightly"]["profiles"] == ["jobs"]
    assert "profiles" not in services["api"]
    with pytest.raises(GraphInvalid, match="nothing can wait for it"):
        stack_of(node("api"), hourly, edges=(edge("api", "hourly"),))


def test_a_stack_without_jobs_says_nothing_of_them() -> None:
    assert "job" not in json.dumps(stack_of(node("api")).files)
