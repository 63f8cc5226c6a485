"""The unary calls: who may, and what a stranger sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest

from agents.contracts import common_pb2, runner_pb2, runner_pb2_grpc
from agents.models import Server
from agents.reports.log_lines import LogRequest
from agents.services import directory, enrolment
from agents.states import Presence
from agents.transport.threads import DatabaseThreads
from agents.types import Registration
from deployments.models import User
from tests.agents.doubles import Domain, FakeAgent, eventually, send

pytestmark = pytest.mark.django_db(transaction=True)

ALICE = (("authorization", "Bearer alice-token"),)
MALLORY = (("authorization", "Bearer mallory-token"),)
NOBODY = (("authorization", "Bearer nobody"),)


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]


async def test_registration_over_the_wire(stub: Any, server: Server, owner: User, database: DatabaseThreads) -> None:
    issued = await database.run(enrolment.create_token, server_id=server.id, owner_id=owner.id)
    request = runner_pb2.RegisterAgentRequest(
        server_id=str(server.id),
        agent_token=issued.token,
        agent_info=runner_pb2.AgentInfo(
            version="1", os="linux", server_info=runner_pb2.ServerInfo(total_memory=2**40, cpu_cores=2)
        ),
    )
    answer = await stub.RegisterAgent(request)
    assert (answer.status, answer.data.server_id) == (common_pb2.SUCCESS, str(server.id))
    agent = await database.run(enrolment.authenticate, credential=answer.data.credential)
    assert str(agent.id) == answer.data.agent_id
    again = await stub.RegisterAgent(request)
    assert (again.status, again.error.code) == (common_pb2.ERROR, "UNAUTHORIZED")
    assert not again.HasField("data")
    told = await stub.GetAgentStatus(runner_pb2.GetAgentStatusRequest(agent_id=str(agent.id)), metadata=ALICE)
    assert told.data.agent_info.server_info.total_memory == 2**40


async def test_too_many_tries_to_enrol_are_turned_away_before_the_token_is_looked_at(
    stub: Any, server: Server, owner: User, domain: Domain, database: DatabaseThreads
) -> None:
    issued = await database.run(enrolment.create_token, server_id=server.id, owner_id=owner.id)
    good = runner_pb2.RegisterAgentRequest(agent_token=issued.token)
    domain.most_enrolments = 2
    for _ in range(2):
        guess = runner_pb2.RegisterAgentRequest(agent_token=f"axe_{uuid4().hex}")
        assert (await stub.RegisterAgent(guess)).error.code == "UNAUTHORIZED"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.RegisterAgent(good)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "Try again in 12 s." in (refused.value.details() or "")
    domain.most_enrolments = 4
    assert (await stub.RegisterAgent(good)).status == common_pb2.SUCCESS
    assert domain.enrolments == ["127.0.0.1"] * 4


async def test_heartbeats_outside_a_session_count(stub: Any, agent: FakeAgent, database: DatabaseThreads) -> None:
    health = runner_pb2.AgentHealth(cpu_usage=5.0, active_containers=2, engine_id="e1")
    answer = await stub.Heartbeat(runner_pb2.HeartbeatRequest(health=health), metadata=agent.metadata)
    assert answer.data.acknowledged

    async def online() -> bool:
        found = await database.run(directory.get_agent, agent_id=agent.id)
        told = (found.health.active_containers, found.health.engine_id)
        return found.presence is Presence.ONLINE and told == (2, "e1")

    await eventually(online)


async def test_metrics_are_kept(stub: Any, agent: FakeAgent, database: DatabaseThreads) -> None:
    def metrics(containers: int) -> runner_pb2.SendMetricsRequest:
        return runner_pb2.SendMetricsRequest(health=runner_pb2.AgentHealth(active_containers=containers))

    await stub.SendMetrics(metrics(1), metadata=agent.metadata)
    await stub.StreamMetrics(iter([metrics(2), metrics(7)]), metadata=agent.metadata)

    async def kept() -> bool:
        return (await database.run(directory.get_agent, agent_id=agent.id)).health.active_containers == 7

    await eventually(kept)


@pytest.mark.parametrize(
    ("call", "request_type"),
    [
        ("Heartbeat", runner_pb2.HeartbeatRequest),
        ("SendMetrics", runner_pb2.SendMetricsRequest),
        ("FetchSecrets", runner_pb2.FetchSecretsRequest),
        ("GetAgentStatus", runner_pb2.GetAgentStatusRequest),
        ("ListAgents", runner_pb2.ListAgentsRequest),
        ("DeployProject", runner_pb2.DeployProjectCommand),
        ("GetDeploymentStatus", runner_pb2.GetDeploymentStatusRequest),
        ("CancelDeployment", runner_pb2.CancelDeploymentRequest),
        ("ScaleService", runner_pb2.ScaleServiceCommand),
        ("StopProject", runner_pb2.StopProjectCommand),
    ],
)
@pytest.mark.parametrize("metadata", [(), NOBODY])
async def test_every_call_wants_to_know_who(stub: Any, call: str, request_type: Any, metadata: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(stub, call)(request_type(), metadata=metadata)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_users_tokens_and_agents_credentials_are_not_interchangeable(stub: Any, agent: FakeAgent) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListAgents(runner_pb2.ListAgentsRequest(), metadata=agent.metadata)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Heartbeat(runner_pb2.HeartbeatRequest(), metadata=ALICE)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_users_see_their_own_agents_only(stub: Any, registered: Registration) -> None:
    wanted = runner_pb2.GetAgentStatusRequest(agent_id=str(registered.agent_id))
    mine = await stub.GetAgentStatus(wanted, metadata=ALICE)
    assert mine.data.status == common_pb2.SERVER_STATUS_PENDING
    missing = runner_pb2.GetAgentStatusRequest(agent_id=str(uuid4()))
    theirs = [await stub.GetAgentStatus(each, metadata=MALLORY) for each in (wanted, missing)]
    assert theirs[0] == theirs[1]
    assert theirs[0].error.code == "NOT_FOUND"
    listed = await stub.ListAgents(runner_pb2.ListAgentsRequest(), metadata=ALICE)
    assert [each.agent_id for each in listed.data.agents] == [str(registered.agent_id)]
    assert (listed.data.pagination.total, listed.data.pagination.total_pages) == (1, 1)
    nothing = await stub.ListAgents(runner_pb2.ListAgentsRequest(), metadata=MALLORY)
    assert (len(nothing.data.agents), nothing.data.pagination.total) == (0, 0)


async def test_deploy_project_only_hurries_what_the_ledger_holds(
    stub: Any, agent: FakeAgent, database: DatabaseThreads
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.command()
    request = runner_pb2.DeployProjectCommand(
        agent_id=str(agent.id), deployment_id=str(sent.deployment_id), docker_stack_yml="services: {evil: {}}"
    )
    theirs = await stub.DeployProject(request, metadata=MALLORY)
    request.deployment_id = str(uuid4())
    unknown = await stub.DeployProject(request, metadata=ALICE)
    assert not theirs.data.accepted
    assert theirs.data.message == unknown.data.message != ""
    request.deployment_id = str(sent.deployment_id)
    assert (await stub.DeployProject(request, metadata=ALICE)).data.accepted
    again = await agent.command(within=1)
    assert again.command_id == str(sent.id)
    assert "evil" not in str(again)


async def test_deployment_status_and_cancel_ask_the_domain(stub: Any, domain: Domain) -> None:
    deployment_id = uuid4()
    asked = runner_pb2.GetDeploymentStatusRequest(deployment_id=str(deployment_id))
    answer = await stub.GetDeploymentStatus(asked, metadata=ALICE)
    assert (answer.data.status, answer.data.current_stage, answer.data.progress_percent) == (2, 1, 10)
    assert (await stub.GetDeploymentStatus(asked, metadata=MALLORY)).error.code == "NOT_FOUND"
    await stub.CancelDeployment(runner_pb2.CancelDeploymentRequest(deployment_id=str(deployment_id)), metadata=ALICE)
    assert domain.cancelled == [(deployment_id, domain.users["alice-token"])]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CancelDeployment(
            runner_pb2.CancelDeploymentRequest(deployment_id=str(deployment_id)), metadata=MALLORY
        )
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_secrets_reach_the_agent_that_works_on_them_and_no_other(
    stub: Any, agent: FakeAgent, other: FakeAgent, database: DatabaseThreads
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    request = runner_pb2.FetchSecretsRequest(deployment_id=str(sent.deployment_id))
    await agent.welcomed()
    await agent.command()
    answer = await stub.FetchSecrets(request, metadata=agent.metadata)
    assert dict(answer.values) == {"PASSWORD": f"of {sent.deployment_id}"}
    for wanted in (request, runner_pb2.FetchSecretsRequest(deployment_id="no id")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.FetchSecrets(wanted, metadata=other.metadata)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_bundles_come_in_chunks(stub: Any, agent: FakeAgent, domain: Domain) -> None:
    domain.bundle = bytes(range(256)) * 3000
    call = stub.FetchBundle(runner_pb2.FetchBundleRequest(digest="known"), metadata=agent.metadata)
    chunks = [chunk.data async for chunk in call]
    assert b"".join(chunks) == domain.bundle
    assert max(len(chunk) for chunk in chunks) == 256 * 1024
    for metadata, code in ((agent.metadata, grpc.StatusCode.NOT_FOUND), (NOBODY, grpc.StatusCode.UNAUTHENTICATED)):
        call = stub.FetchBundle(runner_pb2.FetchBundleRequest(digest="unknown"), metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
        assert refused.value.code() is code


async def test_what_is_open_of_an_agent_ends_when_its_credential_does(
    stub: Any, agent: FakeAgent, other: FakeAgent, domain: Domain, database: DatabaseThreads
) -> None:
    """Code on its way, with no more than what was on the line, and logs of which nothing comes; others' go on."""
    domain.bundle = bytes(64 * 1024 * 1024)
    request_id = uuid4()
    domain.log_requests[request_id] = LogRequest(request_id=request_id, project_id=uuid4(), lane="lane")

    async def lines() -> AsyncIterator[runner_pb2.LogBatch]:
        yield runner_pb2.LogBatch(request_id=str(request_id))
        await asyncio.sleep(300)

    wanted = runner_pb2.FetchBundleRequest(digest="known")
    bundles = [stub.FetchBundle(wanted, metadata=each.metadata) for each in (agent, other)]
    logs = stub.StreamLogs(lines(), metadata=agent.metadata)
    for each in bundles:
        await each.read()

    async def told() -> bool:
        return bool(domain.log_batches)

    await eventually(told, within=30)
    await database.run(enrolment.revoke, agent_id=agent.id)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asyncio.wait_for(logs, 30)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    got: list[int] = []
    with pytest.raises(grpc.aio.AioRpcError, match="has ended"):
        await asyncio.wait_for(read_on(bundles[0], got), 30)
    assert sum(got) < len(domain.bundle) // 2
    whole: list[int] = []
    await asyncio.wait_for(read_on(bundles[1], whole), 60)
    # All but its first chunk, which was read.
    assert sum(whole) == len(domain.bundle) - 256 * 1024


async def read_on(bundle: Any, got: list[int]) -> None:
    while isinstance(chunk := await bundle.read(), runner_pb2.BundleChunk):
        got.append(len(chunk.data))


async def test_stopping_and_scaling_ask_the_domain(stub: Any, domain: Domain) -> None:
    agent_id, project_id = uuid4(), uuid4()
    stop = runner_pb2.StopProjectCommand(agent_id=str(agent_id), project_id=str(project_id))
    scale = runner_pb2.ScaleServiceCommand(
        agent_id=str(agent_id), project_id=str(project_id), service_name="web", replicas=3
    )
    assert await stub.StopProject(stop, metadata=ALICE) == common_pb2.Empty()
    assert await stub.ScaleService(scale, metadata=ALICE) == common_pb2.Empty()
    assert domain.wishes == [(agent_id, project_id), (agent_id, project_id, "web", 3)]
    for call, request in (("StopProject", stop), ("ScaleService", scale)):
        for wanted, metadata in ((request, MALLORY), (type(request)(agent_id="x"), ALICE)):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await getattr(stub, call)(wanted, metadata=metadata)
            assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert len(domain.wishes) == 2


async def test_health_is_open_and_says_only_that_we_serve(stub: Any) -> None:
    assert await stub.HealthCheck(common_pb2.Empty()) == runner_pb2.HealthCheckResponse(serving=True)
