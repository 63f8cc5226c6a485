"""Asking for a deployment, and starting it: whole or not at all."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from agents import gateway
from agents.models import Agent, CommandRecord, Server
from deployments import jobs
from deployments.errors import Forbidden, Invalid, NotFound, Transient
from deployments.models import Deployment, DeploymentEvent, Project, ProjectSecret, User
from deployments.repositories import projects
from deployments.repositories.deployments import Outcome
from deployments.services.lifecycle import agent_order, finish, prepare, start
from deployments.services.permissions.access import caller_of
from deployments.services.projects.import_directory import import_directory
from deployments.services.requests.deploy import deploy_project
from deployments.services.secrets import variables
from deployments.states import Reason, Status
from deployments.types import DeployRequest, Target, TargetKind
from tests import factories
from tests.factories import NOW, later

VOTING = Path(__file__).resolve().parents[3] / "templates" / "projects" / "voting"
CANARY = "canary-7f3a9-äö$"


@pytest.fixture
def voting(owner: User) -> UUID:
    return import_directory(caller=caller_of(owner), directory=VOTING, new_project_id=uuid4()).project.id


def ask(owner: User, project_id: UUID, server: Server, **fields: Any) -> Deployment:
    request = DeployRequest(project_id=project_id, target=Target(kind=TargetKind.SERVER, id=server.id), **fields)
    record = deploy_project(caller=caller_of(owner), request=request, deployment_id=uuid4(), at=fields.pop("at", NOW))
    return Deployment.objects.get(pk=record.id)


def change_node(project_id: UUID, service: str, **config: str) -> None:
    """Change the stored graph behind the validation, as an older version of the product might have left it."""
    version = Project.objects.get(pk=project_id).graph_versions.get()
    for node in version.graph["nodes"]:
        if node["data"]["serviceName"] == service:
            node["data"]["config"] |= config
    version.save()


def everything_stored() -> str:
    """All rows of all our tables as text."""
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in ("code_bundles", "users"):
                cursor.execute(f'SELECT * FROM "{table}"')
                rows.extend(cursor.fetchall())
    return json.dumps(rows, cls=DjangoJSONEncoder, default=str, ensure_ascii=False)


def test_it_is_stored_pending_with_its_services_and_an_event(owner: User, voting: UUID, server: Server) -> None:
    deployment = ask(owner, voting, server)
    assert deployment.status == Status.PENDING
    assert {each["name"] for each in deployment.service_statuses} == {
        "gateway",
        "vote",
        "result",
        "worker",
        "redis",
        "db",
    }
    assert DeploymentEvent.objects.get().type == "deployment.requested"


def test_the_same_request_id_is_one_deployment(owner: User, voting: UUID, server: Server) -> None:
    first = ask(owner, voting, server, request_id="r-1")
    assert ask(owner, voting, server, request_id="r-1").id == first.id
    assert Deployment.objects.count() == 1


def test_a_newer_one_supersedes_those_that_wait(owner: User, voting: UUID, server: Server) -> None:
    Project.objects.filter(pk=voting).update(concurrency="supersede")
    waiting = [ask(owner, voting, server) for _ in range(3)]
    statuses = [factories.reload(each.id) for each in waiting]
    assert [each.status for each in statuses] == [Status.FAILED, Status.FAILED, Status.PENDING]
    assert statuses[0].reason is Reason.SUPERSEDED


def test_a_stranger_learns_nothing_and_a_viewer_may_not(voting: UUID, server: Server, stranger: User) -> None:
    with pytest.raises(NotFound):
        ask(stranger, voting, server)
    factories.add_member(Project.objects.get(pk=voting), stranger, role="viewer")
    with pytest.raises(Forbidden):
        ask(stranger, voting, server)


def test_another_users_server_does_not_exist(owner: User, voting: UUID, stranger: User) -> None:
    with pytest.raises(NotFound, match="server"):
        ask(owner, voting, factories.make_server(stranger, name="theirs"))
    assert not Deployment.objects.exists()


def test_a_deployer_may_deploy_where_the_project_was_deployed_before(
    owner: User, voting: UUID, server: Server, agent: Agent, stranger: User
) -> None:
    factories.add_member(Project.objects.get(pk=voting), stranger, role="deployer")
    with pytest.raises(NotFound, match="server"):
        ask(stranger, voting, server)
    start.run_deployment(deployment_id=ask(owner, voting, server).id, at=NOW)
    assert ask(stranger, voting, server).requested_by == stranger


@pytest.mark.parametrize(
    ("service", "config", "field"),
    [
        ("vote", {"port": "99999"}, "config.port"),
        ("db", {"databaseType": "dbase"}, "config.databaseType"),
        ("vote", {"runtime": "cobol"}, "config.runtime"),
    ],
)
def test_a_broken_graph_names_node_and_field_and_stores_nothing(
    owner: User, voting: UUID, server: Server, service: str, config: dict[str, str], field: str
) -> None:
    change_node(voting, service, **config)
    with pytest.raises(Invalid) as caught:
        ask(owner, voting, server)
    assert any(key.endswith(f".{field}") for key in caught.value.details), caught.value.details
    assert not Deployment.objects.exists()


@pytest.mark.parametrize("env_vars", [{"1BAD": "x"}, {"A B": "x"}, {"NUL": "a\x00b"}, {"BIG": "x" * 2_000_000}])
def test_unusable_variables_are_refused(owner: User, voting: UUID, server: Server, env_vars: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        ask(owner, voting, server, env_vars=env_vars)


def test_starting_stores_status_stack_and_command_together(
    owner: User, voting: UUID, server: Server, agent: Agent
) -> None:
    deployment = ask(owner, voting, server)
    start.run_deployment(deployment_id=deployment.id, at=NOW)
    now = factories.reload(deployment.id)
    assert (now.status, now.stage) == (Status.IN_PROGRESS, "building")
    assert now.config["serviceDependencies"][-1] == "gateway"
    command = CommandRecord.objects.get()
    assert (command.deployment_id, command.number, command.status) == (deployment.id, 1, "queued")
    start.run_deployment(deployment_id=deployment.id, at=NOW)
    assert CommandRecord.objects.count() == 1


def test_the_second_of_a_lane_waits_for_the_first(owner: User, voting: UUID, server: Server, agent: Agent) -> None:
    first, second = (ask(owner, voting, server) for _ in range(2))
    Deployment.objects.filter(pk=second.id).update(created_at=later(1))
    start.run_deployment(deployment_id=second.id, at=NOW)
    assert factories.reload(second.id).status is Status.PENDING
    start.run_deployment(deployment_id=first.id, at=NOW)
    start.run_deployment(deployment_id=second.id, at=NOW)
    assert factories.reload(first.id).status is Status.IN_PROGRESS
    assert factories.reload(second.id).status is Status.PENDING


def test_without_an_agent_it_tries_again_and_gives_up_with_a_sentence(
    owner: User, voting: UUID, server: Server, settings: Settings
) -> None:
    settings.AXION_JOB_ATTEMPTS = 3
    deployment = ask(owner, voting, server)
    for _ in range(2):
        start.run_deployment(deployment_id=deployment.id, at=NOW)
        assert factories.reload(deployment.id).status is Status.PENDING
    assert Deployment.objects.filter(next_attempt_at__gt=Now()).exists()
    start.run_deployment(deployment_id=deployment.id, at=NOW)
    now = factories.reload(deployment.id)
    assert (now.status, now.reason) == (Status.FAILED, Reason.INTERNAL)
    assert "No agent is enrolled" in now.message


@pytest.mark.django_db(transaction=True)  # a job drops stale connections, and with them a test's own transaction
def test_a_fault_of_ours_is_tried_again_and_ends(
    owner: User, voting: UUID, server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AXION_JOB_ATTEMPTS = 2

    def break_off(**_: Any) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(prepare, "prepare", break_off)
    deployment = ask(owner, voting, server)
    for _ in range(2):
        with pytest.raises(KeyError):
            jobs.run_deployment(str(deployment.id))
    now = factories.reload(deployment.id)
    assert (now.status, now.reason) == (Status.FAILED, Reason.INTERNAL)
    assert "canary" not in now.message


def test_a_crash_between_any_two_writes_of_the_start_leaves_it_pending(
    owner: User, voting: UUID, server: Server, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = ask(owner, voting, server)
    before = factories.reload(deployment.id)

    def die(**_: Any) -> None:
        raise Transient("died")

    monkeypatch.setattr(gateway, "send", die)
    with pytest.raises(Transient):
        start.run_deployment(deployment_id=deployment.id, at=NOW)
    assert factories.reload(deployment.id) == before
    assert not CommandRecord.objects.exists()


def test_secret_values_are_stored_sealed_only(owner: User, voting: UUID, server: Server, agent: Agent) -> None:
    deployment = ask(owner, voting, server, env_vars={"API_KEY": CANARY})
    start.run_deployment(deployment_id=deployment.id, at=NOW)
    stored = everything_stored()
    values = variables.values_for(deployment_id=deployment.id)
    assert CANARY in values.values()
    for value in values.values():
        assert value not in stored


def test_generated_passwords_stay_the_same(owner: User, voting: UUID, server: Server, agent: Agent) -> None:
    values = []
    for _ in range(2):
        deployment = ask(owner, voting, server)
        start.run_deployment(deployment_id=deployment.id, at=NOW)
        values.append(variables.values_for(deployment_id=deployment.id))
        Deployment.objects.filter(pk=deployment.id).update(status=Status.SUCCESS, completed_at=NOW)
    assert values[0] == values[1]
    assert ProjectSecret.objects.count() >= 1


def test_a_new_value_changes_exactly_the_services_that_use_it(
    owner: User, voting: UUID, server: Server, agent: Agent
) -> None:
    hashes = []
    for value in ("one", "one", "two"):
        deployment = ask(owner, voting, server, env_vars={"API_KEY": value})
        start.run_deployment(deployment_id=deployment.id, at=NOW)
        payload = CommandRecord.objects.get(deployment_id=deployment.id).payload
        hashes.append({service["name"]: service["content_hash"] for service in payload["services"]})
        Deployment.objects.filter(pk=deployment.id).update(status=Status.SUCCESS, completed_at=NOW)
    assert hashes[0] == hashes[1]
    assert {name for name in hashes[0] if hashes[0][name] != hashes[2][name]} == {"vote", "result", "worker"}


def test_importing_again_keeps_what_did_not_change(owner: User, voting: UUID) -> None:
    again = import_directory(caller=caller_of(owner), directory=VOTING, new_project_id=uuid4())
    assert again.project.id == voting
    assert again.graph.version == 1


def test_importing_a_changed_graph_is_a_new_version(owner: User, voting: UUID, tmp_path: Path) -> None:
    graph = json.loads((VOTING / "graph.json").read_text())
    changed = copy.deepcopy(graph)
    changed["nodes"][0]["position"]["x"] += 10
    described = json.loads((VOTING / "project.json").read_text())
    (tmp_path / "graph.json").write_text(json.dumps(changed))
    (tmp_path / "project.json").write_text(json.dumps({"name": described["name"]}))
    again = import_directory(caller=caller_of(owner), directory=tmp_path, new_project_id=uuid4())
    assert (again.project.id, again.graph.version) == (voting, 2)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("My App", "my-app"), ("a_-_b", "a-b"), ("x" * 31 + "_y", "x" * 31), ("Ж", "project"), ("_", "project")],
)
def test_a_slug_fits_into_the_names_of_images(name: str, slug: str) -> None:
    one, other = (projects.slug_of(name, UUID(int=(0xABCDEF << 104) + last)) for last in (1, 2))
    assert re.fullmatch(rf"{slug}-[0-9a-f]{{12}}", one)
    assert one[-12:] != other[-12:]
    assert len(one) <= 48


def test_a_worker_that_wakes_up_late_changes_nothing(owner: User, voting: UUID, server: Server, agent: Agent) -> None:
    """It had prepared everything when it fell asleep; meanwhile another started the deployment, and it ended."""
    deployment = ask(owner, voting, server)
    asleep, project = factories.reload(deployment.id), projects.get(project_id=voting)
    prepared = prepare.prepare(deployment=asleep, project=project)
    command = agent_order.command_of(deployment=asleep, project=project, prepared=prepared)
    start.run_deployment(deployment_id=deployment.id, at=NOW)
    started = factories.reload(deployment.id)
    assert not start.start(deployment=asleep, project=project, prepared=prepared, command=command, at=NOW)
    with transaction.atomic():
        finish.mark_failed(deployment_id=deployment.id, outcome=Outcome(reason=Reason.EXPIRED, message="late"), at=NOW)
    ended = factories.reload(deployment.id)
    assert not start.start(deployment=asleep, project=project, prepared=prepared, command=command, at=NOW)
    assert (started.status, factories.reload(deployment.id)) == (Status.IN_PROGRESS, ended)
    start.try_again_later(deployment=asleep, error=Transient("It could not."), at=NOW)
    assert factories.reload(deployment.id) == ended
    assert CommandRecord.objects.filter(deployment_id=deployment.id).count() == 1
