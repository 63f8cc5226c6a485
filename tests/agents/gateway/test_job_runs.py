"""Runs of jobs on a schedule: answered once they are stored, and ended when the table says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from agents import gateway
from agents.contracts import runner_pb2 as pb
from agents.contracts.version import JOB_RUNS_PROTOCOL
from agents.transport.threads import DatabaseThreads
from tests.agents.doubles import Domain, FakeAgent


def run(**fields: Any) -> pb.JobRun:
    ids = {"run_id": str(uuid4()), "project_id": str(uuid4()), "deployment_id": str(uuid4())}
    return pb.JobRun(**{**ids, "revision": 1, "job": "nightly", "state": "running", **fields})


async def next_of(agent: FakeAgent, kind: str) -> Any:
    while (message := await agent.read()).WhichOneof("message") != kind:
        pass
    return getattr(message, kind)


async def test_what_is_told_is_answered_once_it_is_stored(agent: FakeAgent, domain: Domain) -> None:
    await agent.welcomed(protocol=JOB_RUNS_PROTOCOL)
    good, nobody = run(output="x" * 100_000, exit_code=3), run(project_id="no id")
    domain.fails_on = OperationalError
    await agent.tell_runs(good, nobody)
    domain.fails_on = None
    stored = await next_of(agent, "job_runs_stored")
    # What cannot be stored at all is answered, too, or it would be told for ever.
    assert [(each.run_id, each.revision) for each in stored.runs] == [(good.run_id, 1), (nobody.run_id, 1)]
    (told,) = [each for host in domain.job_runs for each in host.runs]
    assert (told.run_id, told.job, told.exit_code) == (UUID(good.run_id), "nightly", 3)
    assert len(told.output) < 20_000


@pytest.fixture
def threads() -> Iterator[DatabaseThreads]:
    pool = DatabaseThreads(count=1, name="jobs-test")
    yield pool
    pool.close()


async def test_an_agent_is_told_which_runs_shall_end_when_it_connects_and_when_somebody_asks(
    agent: FakeAgent, domain: Domain, threads: DatabaseThreads
) -> None:
    agent_id = agent.id
    first, second = uuid4(), uuid4()
    domain.unwanted_runs = {agent_id: [first]}
    await agent.welcomed(protocol=JOB_RUNS_PROTOCOL)
    assert list((await next_of(agent, "stop_job_runs")).run_ids) == [str(first)]
    domain.unwanted_runs = {agent_id: [first, second]}
    await threads.run(gateway.announce_runs_to_stop, agent_id=agent_id)
    # What was said at the beginning may be said again meanwhile.
    while list((await next_of(agent, "stop_job_runs")).run_ids) != [str(first), str(second)]:
        pass
