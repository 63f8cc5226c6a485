"""An agent asks for values and code that it no longer needs, or never should have had, from a real gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar
from uuid import uuid4

import grpc
import pytest
from django.db import connection

from agents.contracts import runner_pb2, runner_pb2_grpc
from agents.models import Agent, CommandRecord, Server
from agents.services import enrolment
from agents.transport.grpc_server import CHANNEL_OPTIONS, Gateway
from agents.types import AgentInfo
from axion_deploy.gateway_bindings import bindings
from deployments.errors import NotFound
from deployments.models import CodeBundle, Deployment
from deployments.services.lifecycle import agent_access
from deployments.services.sharing import server_grants
from deployments.types import DeploymentRecord
from tests import factories
from tests.agents.conftest import config
from tests.attacks.cast import Scene, make_scene

VALUE = "sk_live_ALICE_ONLY_123456"
T = TypeVar("T")


def enrolled(server: Server) -> tuple[Agent, str]:
    """A program of mallory's as the server's agent, with its credential."""
    token = enrolment.create_token(server_id=server.id, owner_id=server.owner_id, replace=True)
    made = enrolment.register(token=token.token, server_id=server.id, info=AgentInfo(), new_id=uuid4())
    return Agent.objects.get(pk=made.agent_id), made.credential


async def apart(do: Callable[[], T]) -> T:
    """In a thread with a connection of its own."""

    def done() -> T:
        try:
            return do()
        finally:
            connection.close()

    return await asyncio.to_thread(done)


@pytest.fixture
async def stub(transactional_db: None) -> AsyncIterator[Any]:
    gateway = Gateway(config=config(), bindings=bindings())
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL_OPTIONS) as channel:
        yield runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
    await gateway.stop()


def deployed(scene: Scene) -> DeploymentRecord:
    """With a value that is secret."""
    made = scene.deploy(scene.project_owner, envVars={"API_KEY": VALUE}).json()["deployment"]
    return scene.lane.succeed(scene.started(factories.reload(made["id"])))


async def values(stub: Any, credential: str, deployment: DeploymentRecord) -> dict[str, str] | grpc.StatusCode:
    request = runner_pb2.FetchSecretsRequest(deployment_id=str(deployment.id))
    try:
        answer = await stub.FetchSecrets(request, metadata=(("authorization", f"Bearer {credential}"),))
    except grpc.aio.AioRpcError as error:
        return error.code()
    return dict(answer.values)


async def test_values_go_to_who_runs_them_until_the_right_ends(stub: Any) -> None:
    scene = await apart(make_scene)
    scene.lane.agent, credential = await apart(lambda: enrolled(scene.lane.server))
    await apart(scene.agreed)
    first = await apart(lambda: deployed(scene))
    assert VALUE in (await values(stub, credential, first)).values()  # type: ignore[union-attr]
    _, bobs = await apart(lambda: enrolled(factories.make_server(scene.users["bob"], name="bobs")))
    assert await values(stub, bobs, first) is grpc.StatusCode.NOT_FOUND
    second = await apart(lambda: deployed(scene))
    assert VALUE in (await values(stub, credential, second)).values()  # type: ignore[union-attr]
    assert await values(stub, credential, first) is grpc.StatusCode.NOT_FOUND
    await apart(lambda: scene.remove("victor"))
    assert await values(stub, credential, second) is grpc.StatusCode.NOT_FOUND


@pytest.fixture
def scene(db: None) -> Scene:
    made = make_scene()
    made.agreed()
    return made


def has(scene: Scene, deployment: DeploymentRecord, *, agent: Agent | None = None) -> bool:
    """Whether the agent would be given the values."""
    try:
        agent_access.values_for_agent(agent_id=(agent or scene.lane.agent).id, deployment_id=deployment.id)
    except NotFound:
        return False
    return True


def test_a_deployers_own_server_gets_nothing_of_the_project(db: None) -> None:
    scene = make_scene(project_owner="alice", server_owner="mallory")
    scene.join("mallory")
    assert scene.deploy("mallory").status_code == 403
    scene.allow("mallory")
    refused = scene.deploy("mallory")
    assert refused.status_code == 403
    assert "ask the project's owner or an approver" in refused.json()["detail"]
    assert not Deployment.objects.exists()


def test_an_agent_at_work_also_gets_what_it_may_have_to_go_back_to(scene: Scene) -> None:
    first = scene.deployed("mallory")
    failed = scene.lane.fail(scene.started(scene.asked("mallory")))
    assert (has(scene, first), has(scene, failed)) == (True, False)
    second = scene.started(scene.asked("mallory"))
    assert (has(scene, first), has(scene, failed), has(scene, second)) == (True, True, True)
    scene.lane.succeed(second)
    assert (has(scene, first), has(scene, failed), has(scene, second)) == (False, False, True)


def test_values_of_a_superusers_deployment_end_when_the_servers_owner_forbids_it(db: None) -> None:
    scene = make_scene()
    made = scene.deployed("ops")
    assert has(scene, made)
    where = {"server_id": scene.lane.server.id, "project_id": scene.lane.project_id}
    server_grants.forbid(caller=scene.caller("victor"), **where, at=scene.lane.now())
    assert not has(scene, made)


def test_code_is_built_from_only_while_the_project_may_run_there(scene: Scene) -> None:
    started = scene.started(scene.asked("mallory"))
    CodeBundle.objects.create(digest="d" * 64, content=b"tar", size=3)
    Deployment.objects.filter(pk=started.id).update(code={"n-web": "d" * 64})
    CommandRecord.objects.update(status="acknowledged", next_send_at=None)
    CodeBundle.objects.create(digest="e" * 64, content=b"of another project", size=3)
    bundle_of, bobs = bindings().bundle_of, factories.make_agent(factories.make_server(scene.users["bob"], name="bobs"))
    assert bytes(bundle_of(digest="d" * 64, agent_id=scene.lane.agent.id)) == b"tar"
    for digest, agent in (("d", bobs), ("e", scene.lane.agent)):
        with pytest.raises(NotFound):
            bundle_of(digest=digest * 64, agent_id=agent.id)
    scene.remove("victor")
    with pytest.raises(NotFound):
        bundle_of(digest="d" * 64, agent_id=scene.lane.agent.id)
