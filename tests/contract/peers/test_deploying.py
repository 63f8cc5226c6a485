"""A deployment of a project that lives in the platform's other services, from the request to the agent's command."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from agents.models import Cluster, CommandRecord, Server
from deployments.clients.peers import (
    GENERATE_PROJECT,
    GET_GRAPH,
    GET_PROJECT,
    GET_SERVER,
)
from deployments.errors import Conflict, NotFound, PeerFailed
from deployments.models import CodeBundle, Deployment, DeploymentEvent, Project, User
from deployments.repositories.deployments import requester
from deployments.services.permissions import access
from deployments.services.queries import lookups
from deployments.services.requests import make_plan
from deployments.states import Reason, Status
from deployments.types import Caller, DeployRequest, Right
from tests import factories
from tests.contract.peers.scene import (
    GRAPH,
    ON_CLUSTER,
    ON_SERVER,
    PROJECT,
    RESULT,
    SERVER,
    TOKEN,
    Be,
    ask_for,
    enrol,
    run,
)
from tests.contract.peers.world import World
from tests.factories import NOW

pytestmark = [pytest.mark.django_db]


def test_the_request_asks_for_ownership_alone_and_the_job_for_the_rest(alice: Caller, be: Be, world: World) -> None:
    deployment = ask_for(alice, env_vars={"MODE": "x"})
    assert deployment.status is Status.PENDING
    assert not world.heard(GET_GRAPH.topic)
    assert not world.heard(GENERATE_PROJECT.topic)
    assert Project.objects.get(pk=PROJECT).owner_id == alice.user_id
    assert Server.objects.get(pk=SERVER).name == "box"
    agent = enrol()
    started = run(deployment)
    assert started.status is Status.IN_PROGRESS, started.message
    assert started.graph_version == 1
    assert {node["id"] for node in started.graph["nodes"]} == {"n-web", "n-proxy"}
    assert {state.name for state in started.services} == {"web", "proxy"}
    command = CommandRecord.objects.get(deployment_id=deployment.id)
    assert command.agent_id == agent.id
    assert started.code["n-web"] == CodeBundle.objects.get().digest
    for topic in (GET_PROJECT.topic, GET_GRAPH.topic, GENERATE_PROJECT.topic):
        [said] = [each["metadata"] for each in world.heard(topic)[-1:]]
        assert (said["userId"], said["projectId"], said["sessionToken"]) == (str(alice.user_id), str(PROJECT), TOKEN)


def test_the_session_waits_sealed_and_goes_with_the_start(alice: Caller, be: Be) -> None:
    deployment = ask_for(alice)
    sealed = requester(deployment_id=deployment.id)[2]
    assert sealed
    assert TOKEN not in sealed
    enrol()
    run(deployment)
    assert requester(deployment_id=deployment.id)[2] == ""
    told = json.dumps([*DeploymentEvent.objects.values_list("payload", flat=True)])
    told += json.dumps([*CommandRecord.objects.values_list("payload", flat=True)], default=str)
    assert TOKEN not in told
    assert TOKEN not in repr(alice)


def test_a_session_that_ended_meanwhile_fails_the_deployment(alice: Caller, be: Be) -> None:
    deployment = ask_for(alice)
    enrol()
    be(sessions={})
    ended = run(deployment)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.PEER)
    assert requester(deployment_id=deployment.id)[2] == ""


@pytest.mark.parametrize("project_id", [PROJECT, uuid4()], ids=["another's", "missing"])
def test_a_stranger_learns_nothing_and_leaves_nothing(be: Be, project_id: UUID) -> None:
    mallory = Caller(user_id=factories.make_user("mallory").pk, name="mallory", session_token=TOKEN)
    for right in Right:
        with pytest.raises(NotFound, match=r"^No such project\.$"):
            access.project_for(caller=mallory, project_id=project_id, right=right)
    assert not Project.objects.exists()


def test_a_yes_for_somebody_else_is_no_yes(alice: Caller, be: Be, world: World) -> None:
    """A peer that forgets to compare owners must not open anybody's project."""
    theirs = {"id": str(PROJECT), "userId": str(uuid4()), "name": "Theirs"}
    be(trouble={GET_PROJECT.topic: {"raw": {"status": 1, "project": theirs}}})
    with pytest.raises(NotFound):
        ask_for(alice)
    be(trouble={GET_SERVER.topic: {"raw": {"status": 1, "server": {**theirs, "id": str(SERVER)}}}})
    with pytest.raises(NotFound, match="server"):
        ask_for(alice)


@pytest.mark.parametrize("topic", [GET_PROJECT.topic, GET_SERVER.topic])
def test_what_cannot_be_checked_is_refused(alice: Caller, be: Be, topic: str) -> None:
    be(trouble={topic: {"crash": True}})
    with pytest.raises(PeerFailed):
        ask_for(alice)
    assert not Deployment.objects.exists()


def test_known_projects_are_looked_at_without_the_peer_and_deployed_only_by_their_owner(
    alice: Caller, be: Be, world: World
) -> None:
    deployment = ask_for(alice)
    be(projects={})
    assert lookups.get_deployment(caller=alice, deployment_id=deployment.id).id == deployment.id
    assert access.project_for(caller=alice, project_id=PROJECT, right=Right.SEE).id == PROJECT
    assert not world.heard(GET_PROJECT.topic)
    with pytest.raises(NotFound):
        ask_for(alice)


def test_rows_of_another_owner_never_change_hands(alice: Caller, be: Be) -> None:
    other: User = factories.make_user("other")
    Project.objects.create(pk=PROJECT, owner=other, name="Old", slug="old")
    with pytest.raises(NotFound):
        ask_for(alice)
    Project.objects.all().delete()
    Server.objects.create(pk=SERVER, owner=other, name="box")
    with pytest.raises(NotFound, match="server"):
        ask_for(alice)
    assert Server.objects.get().owner_id == other.pk


def test_names_that_are_taken_get_a_piece_of_the_id(alice: Caller, be: Be) -> None:
    Project.objects.create(pk=uuid4(), owner_id=alice.user_id, name="Shop", slug="shop")
    Server.objects.create(pk=uuid4(), owner_id=alice.user_id, name="box")
    ask_for(alice)
    assert Project.objects.get(pk=PROJECT).name == f"Shop {PROJECT.hex[:6]}"
    assert Server.objects.get(pk=SERVER).name == f"box {SERVER.hex[:6]}"


def test_failed_generation_fails_the_deployment_with_its_errors(alice: Caller, be: Be, world: World) -> None:
    failed = {**RESULT, "status": 4, "generatedCodePath": "", "validationErrors": ["no port", "no main"]}
    be(results={str(PROJECT): [failed]})
    deployment = ask_for(alice)
    enrol()
    ended = run(deployment)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.PEER)
    assert "web: no port, no main" in ended.message
    assert len(world.heard(GENERATE_PROJECT.topic)) == 1


def test_generation_under_way_is_waited_for(alice: Caller, be: Be) -> None:
    be(results={str(PROJECT): [{**RESULT, "status": 2}]})
    deployment = ask_for(alice)
    enrol()
    waiting = run(deployment)
    assert (waiting.status, waiting.attempts) == (Status.PENDING, 1)
    be()
    assert run(deployment, at=100).status is Status.IN_PROGRESS


def test_a_peer_in_trouble_is_asked_again_later_and_not_for_ever(alice: Caller, be: Be, settings: Settings) -> None:
    settings.AXION_JOB_ATTEMPTS = 2
    deployment = ask_for(alice)
    enrol()
    be(trouble={GET_GRAPH.topic: {"crash": True}})
    assert run(deployment).status is Status.PENDING
    ended = run(deployment, at=100)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.PEER)


def test_who_waits_in_the_lane_asks_nothing(alice: Caller, be: Be, world: World) -> None:
    first, second = ask_for(alice), ask_for(alice, after=1)
    enrol()
    run(first)
    asked = len(world.heard(GENERATE_PROJECT.topic))
    assert run(second).status is Status.PENDING
    assert len(world.heard(GENERATE_PROJECT.topic)) == asked == 1


def test_one_job_at_a_time_asks_the_peers(alice: Caller, be: Be, world: World) -> None:
    deployment = ask_for(alice)
    enrol()
    told = connection.get_connection_params()
    names = {"host", "port", "user", "password", "dbname"}
    with psycopg.connect(**{name: value for name, value in told.items() if name in names}, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"start:{deployment.id}"])
        assert run(deployment).status is Status.PENDING
        assert not world.heard(GET_GRAPH.topic)
        # Closing alone would free it a moment later.
        other.execute("SELECT pg_advisory_unlock_all()")
    assert run(deployment).status is Status.IN_PROGRESS


def test_a_plan_shows_the_graph_of_now_and_holds_the_start_to_it(alice: Caller, be: Be) -> None:
    be(results={str(PROJECT): []})
    graph: dict[str, Any] = {**GRAPH, "nodes": [GRAPH["nodes"][1]], "edges": []}
    be(graphs={str(PROJECT): graph}, results={str(PROJECT): []})
    request = DeployRequest(project_id=PROJECT, target=ON_SERVER)
    with pytest.raises(Conflict, match="No agent is installed"):
        make_plan.plan_deployment(caller=alice, request=request)
    enrol()
    plan = make_plan.plan_deployment(caller=alice, request=request)
    assert [change.service for change in plan.changes if change.service == "proxy"]
    held = ask_for(alice, approval=plan.approval)
    assert run(held).status is Status.IN_PROGRESS
    Deployment.objects.filter(pk=held.id).update(status=Status.FAILED, reason=Reason.CANCELLED, completed_at=NOW)
    late = ask_for(alice, approval=make_plan.plan_deployment(caller=alice, request=request).approval)
    config = {**graph["nodes"][0]["data"]["config"], "port": "81"}
    changed = {**graph["nodes"][0], "data": {**graph["nodes"][0]["data"], "config": config}}
    be(graphs={str(PROJECT): {**graph, "nodes": [changed]}}, results={str(PROJECT): []})
    ended = run(late, at=9)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.INVALID)
    assert "graph" in ended.message


def test_a_cluster_of_the_peer_is_refused_without_asking(alice: Caller, be: Be, world: World) -> None:
    with pytest.raises(NotFound, match="No such cluster"):
        ask_for(alice, target=ON_CLUSTER)
    assert not Cluster.objects.exists()
    assert not world.heard("infrastructure-service.getCluster")


def test_a_token_of_our_own_goes_to_no_peer(alice: Caller, be: Be, world: World, settings: Settings) -> None:
    settings.AXION_PEERS = frozenset({"graph", "infrastructure", "codegen"})
    be(guarded=False)
    deployment = ask_for(alice)
    assert requester(deployment_id=deployment.id)[2] == ""
    enrol()
    assert run(deployment).status is Status.IN_PROGRESS
    for topic in (GET_PROJECT.topic, GET_SERVER.topic, GET_GRAPH.topic, GENERATE_PROJECT.topic):
        [metadata] = [each["metadata"] for each in world.heard(topic)[-1:]]
        assert "sessionToken" not in metadata
