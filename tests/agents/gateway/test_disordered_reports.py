"""Reports that come twice, late and in any order: what is stored, and told, is as if they had come in order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.models import Agent, CommandRecord, Server
from agents.runner.control_plane.channel import OPTIONS
from agents.transport.grpc_server import Gateway
from agents.transport.threads import DatabaseThreads
from agents.types import Registration
from axion_deploy import gateway_bindings
from deployments.models import Deployment, DeploymentEvent, DeploymentHistory, User
from deployments.services.lifecycle import cancel, command_ids
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.types import DeploymentRecord
from tests.agents.conftest import config
from tests.agents.doubles import FakeAgent
from tests.deployments.lane import Lane
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)

SERVICES = ("web", "db")
# What differs from one deployment to the next whatever it went through.
MOMENTS = ("deployedAt", "deployed_at", "deadlineAt")
OWN = {"id", "project", "created_at", "updated_at", "started_at", "completed_at", "deadline_at", "next_attempt_at"}
OWN |= {"graph_version", "config", "sealed_variables", "env_vars", "cancel_requested_at", "cancel_confirmed_at"}
SEEDS = range(3)


def stage(number: common_pb2.DeploymentStage, percent: int) -> dict[str, Any]:
    return {"stage": pb.StageReached(stage=number, percent=percent, message=f"{percent} %")}


def log(text: str) -> dict[str, Any]:
    return {"log": pb.LogWritten(source="build", text=f"{text}\n")}


def seen(name: str, state: str, health: str = "none") -> pb.ServiceObserved:
    digest = f"sha256:{name}" if state == "running" else ""
    return pb.ServiceObserved(
        node_id=f"n-{name}", service_name=name, state=state, health=health, image=name, image_digest=digest
    )


BEGINNING = [
    stage(common_pb2.BUILDING, 5),
    *({"service": seen(name, "building")} for name in SERVICES),
    log("one"),
    log("two"),
    stage(common_pb2.DEPLOYING, 50),
    *({"service": seen(name, "running", "starting")} for name in SERVICES),
    stage(common_pb2.HEALTH_CHECKING, 80),
    {"service": seen("db", "running", "healthy")},
    log("three"),
]
HEALTHY = [seen(name, "running", "healthy") for name in SERVICES]
SUCCESS = [*BEGINNING, {"finished": pb.CommandFinished(outcome=pb.SUCCEEDED, services=HEALTHY)}]
RESTORED = [
    *BEGINNING,
    {"restore_started": pb.RestoreStarted(reason="unhealthy", message="web died", failed_service="web")},
    log("four"),
    {"service": seen("web", "running", "healthy")},
    {
        "finished": pb.CommandFinished(
            outcome=pb.RESTORED, reason="unhealthy", message="web died", previous_stack_running=True, services=HEALTHY
        )
    },
]
STOPPED = [*BEGINNING, {"finished": pb.CommandFinished(outcome=pb.FAILED, reason="cancelled", message="Stopped.")}]
REVERTED = [
    log("five"),
    log("six"),
    {"finished": pb.CommandFinished(outcome=pb.RESTORED, previous_stack_running=True, services=HEALTHY)},
]
Bodies = list[dict[str, Any]]


@pytest.fixture
async def agent(transactional_db: None, registered: Registration) -> AsyncIterator[FakeAgent]:
    """Speaks to a gateway behind which the deployments are the real ones."""
    gateway = Gateway(config=config(), bindings=gateway_bindings.bindings())
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
        fake = FakeAgent(channel=channel, registered=registered)
        await fake.welcomed()
        yield fake
        await fake.leave()
    await gateway.stop()


class Story:
    """A deployment of a project of its own, and what its agent says of it."""

    def __init__(self, *, owner: User, server: Server, agent_id: UUID) -> None:
        agent = Agent.objects.get(id=agent_id)
        project = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name=str(uuid4()))
        self.lane = Lane(owner=owner, project_id=project.id, server=server, agent=agent)
        self.lane.store_graph(**{name: f"{name}:1" for name in SERVICES})
        self.deployment: DeploymentRecord = self.lane.start(self.lane.ask())

    def cancel(self) -> None:
        cancel.cancel_deployment(caller=self.lane.caller, deployment_id=self.deployment.id, at=NOW)

    def reports(self, command_id: UUID, bodies: Bodies) -> list[pb.Report]:
        ids: dict[str, Any] = {"command_id": str(command_id), "deployment_id": str(self.deployment.id), "at_ms": 1}
        return [pb.Report(number=number, **ids, **body) for number, body in enumerate(bodies, start=1)]

    def stored(self) -> dict[str, Any]:
        """Rows, events and ledger, without what is of this one alone."""
        row = Deployment.objects.values().get(id=self.deployment.id)
        events = DeploymentEvent.objects.filter(deployment=self.deployment.id).order_by("sequence")
        commands = CommandRecord.objects.filter(deployment_id=self.deployment.id).order_by("number")
        return {
            "row": timeless({name: value for name, value in row.items() if name.removesuffix("_id") not in OWN}),
            "events": [(each.sequence, each.type, timeless(each.payload)) for each in events],
            "commands": list(commands.values_list("number", "kind", "status", "last_report_number")),
            "history": DeploymentHistory.objects.filter(deployment=self.deployment.id).count(),
        }


def timeless(value: Any) -> Any:
    """Without the moments at which services were seen running, and until which the agent is waited for."""
    if isinstance(value, dict):
        return {name: timeless(each) for name, each in value.items() if name not in MOMENTS}
    return [timeless(each) for each in value] if isinstance(value, list) else value


async def tell(agent: FakeAgent, reports: list[pb.Report]) -> None:
    """One after the other, until all are stored."""
    for report in reports:
        await agent.say(report)
    while await stored_of(agent, reports[0].command_id) < len(reports):
        pass


async def stored_of(agent: FakeAgent, command_id: str) -> int:
    """The next acknowledged number of this command; commands on their way down are passed over."""
    while (message := await agent.read()).reports_acknowledged.command_id != command_id:
        pass
    return message.reports_acknowledged.number


async def tell_in_disorder(agent: FakeAgent, reports: list[pb.Report], *, chance: random.Random) -> None:
    """Each some times and in any order; then, as an agent does whose reports are not all stored, from the first one."""
    crowd = [report for report in reports for _ in range(chance.choice((1, 1, 2, 3)))]
    chance.shuffle(crowd)
    for report in crowd:
        await agent.say(report)
    await tell(agent, reports)


async def tell_late(agent: FakeAgent, reports: list[pb.Report], *, chance: random.Random) -> None:
    """What was on the way for so long that all is over, in a session of its own."""
    await agent.leave()
    await agent.welcomed()
    for report in chance.sample(reports, k=len(reports) // 2):
        await agent.say(report)
    assert await stored_of(agent, reports[0].command_id) == len(reports)


@pytest.mark.parametrize("bodies", [SUCCESS, RESTORED], ids=["success", "restored"])
async def test_what_is_stored_does_not_depend_on_the_way_the_reports_took(
    agent: FakeAgent, owner: User, server: Server, database: DatabaseThreads, bodies: Bodies
) -> None:
    tell_story = partial(Story, owner=owner, server=server, agent_id=agent.id)
    ordered = await database.run(tell_story)
    await tell(agent, ordered.reports(command_ids.deploy_command_id(ordered.deployment.id), bodies))
    expected = await database.run(ordered.stored)
    assert len(expected["events"]) > len(bodies)
    for seed in SEEDS:
        story, chance = await database.run(tell_story), random.Random(seed)
        reports = story.reports(command_ids.deploy_command_id(story.deployment.id), bodies)
        await tell_in_disorder(agent, reports, chance=chance)
        assert await database.run(story.stored) == expected, f"seed {seed}"
        await tell_late(agent, reports, chance=chance)
        assert await database.run(story.stored) == expected, f"late, seed {seed}"


async def test_a_cancel_ends_the_same_whatever_way_the_reports_took(
    agent: FakeAgent, owner: User, server: Server, database: DatabaseThreads
) -> None:
    tell_story = partial(Story, owner=owner, server=server, agent_id=agent.id)
    expected: dict[str, Any] = {}
    for seed in (None, *SEEDS):
        story, chance = await database.run(tell_story), random.Random(seed)
        say = tell if seed is None else partial(tell_in_disorder, chance=chance)
        stopped = story.reports(command_ids.deploy_command_id(story.deployment.id), STOPPED)
        reverted = story.reports(command_ids.revert_command_id(story.deployment.id), REVERTED)
        await database.run(story.cancel)
        await say(agent, stopped)
        await say(agent, reverted)
        expected = expected or await database.run(story.stored)
        assert await database.run(story.stored) == expected, f"seed {seed}"
        await tell_late(agent, stopped, chance=chance)
        assert await database.run(story.stored) == expected, f"late, seed {seed}"
    assert expected["row"]["status"] == "failed"
