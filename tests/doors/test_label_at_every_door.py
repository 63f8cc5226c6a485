"""A label in place of a server, at every door that takes a deployment: where one server has it, none, or several."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from agents.models import Server
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.incoming import IncomingRecord
from deployments.models import Deployment, Project
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from tests import factories
from tests.deployments.lane import graph_of_images
from tests.doors.people import People

pytestmark = pytest.mark.django_db
NONE = "No server with the label {label} can be deployed to."
SEVERAL = "Several servers have the label {label}: server-1, server-2. Name one."


def over_rest(path: str) -> Callable[..., str]:
    def ask(people: People, project: Project, label: str, capsys: Any) -> str:
        del capsys
        body = {"serverLabel": label, **({"projectId": str(project.pk)} if path == "deployments" else {})}
        answer = people.api("owner").post(
            f"/api/{path.format(project.pk)}", body, format="json", HTTP_IDEMPOTENCY_KEY=str(uuid4())
        )
        return "" if answer.status_code < 400 else answer.json()["error"]["message"]

    return ask


def by_form(path: str) -> Callable[..., str]:
    def ask(people: People, project: Project, label: str, capsys: Any) -> str:
        del capsys
        posted = {"target": f"label:{label}", "requestId": str(uuid4())}
        of = f"/admin/deployments/project/{project.pk}/{path}/"
        answer = people.browser("owner").post(of, posted, headers={"Accept": "application/json"})
        return "" if answer.status_code < 400 else html.unescape(answer.json()["html"])

    return ask


def in_the_terminal(people: People, project: Project, label: str, capsys: Any) -> str:
    del people
    with pytest.raises(SystemExit) as ended:
        call_command("deployments", "plan", str(project.pk), "--server", f"label:{label}", "--user", "owner")
    said = capsys.readouterr()
    return "" if ended.value.code in (0, None) else str(said.out + said.err)


def over_kafka(people: People, project: Project, label: str, capsys: Any) -> str:
    del capsys
    topic = "deployment-service.deployProject"
    value = json.dumps({"projectId": str(project.pk), "serverLabel": label, "metadata": {"requestId": str(uuid4())}})
    incoming = IncomingRecord(
        topic=topic, partition=0, offset=0, timestamp_ms=now_ms(), key=None, value=value.encode(), headers={}
    )
    caller = caller_of(people.users["owner"])
    answer = Dispatcher(identify=lambda *_: caller, health=dict).answer(incoming)
    assert answer.body is not None
    return "" if answer.body["status"] == 1 else str(answer.body["error"]["message"])


def now_ms() -> int:
    return time.time_ns() // 1_000_000


DOORS: dict[str, Callable[..., str]] = {
    "REST, deploy": over_rest("deployments"),
    "REST, plan": over_rest("projects/{}/plan"),
    "form, deploy": by_form("deploy"),
    "form, plan": by_form("plan"),
    "terminal": in_the_terminal,
    "Kafka": over_kafka,
}


@pytest.mark.parametrize("door", DOORS)
def test_one_server_none_and_several(
    door: str, people: People, project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.store_graph(
        caller=caller_of(people.users["owner"]), project_id=project.pk, graph=graph_of_images(web="web:1")
    )
    second = factories.make_server(people.users["owner"], name="server-2")
    for each, labels in ((server, ["region=eu", "disk=fast"]), (second, ["region=eu"])):
        factories.make_agent(each)
        factories.grant(project, each)
        Server.objects.filter(pk=each.pk).update(labels=labels)

    def ask(label: str) -> str:
        return DOORS[door](people, project, label, capsys)

    assert NONE.format(label="nowhere") in ask("nowhere")
    assert SEVERAL.format(label="region=eu") in ask("region=eu")
    assert not Deployment.objects.exists()
    assert ask("disk=fast") == ""
    assert {each.server_id for each in Deployment.objects.all()} <= {server.pk}


def test_over_kafka_a_label_beside_an_id_is_refused(people: People, project: Project, server: Server) -> None:
    value = {"projectId": str(project.pk), "serverLabel": "a", "serverId": str(server.pk), "metadata": {}}
    incoming = IncomingRecord(
        topic="deployment-service.deployProject", partition=0, offset=0, timestamp_ms=now_ms(), key=None,
        value=json.dumps(value).encode(), headers={},
    )  # fmt: skip
    answer = Dispatcher(identify=lambda *_: caller_of(people.users["owner"]), health=dict).answer(incoming)
    assert answer.body is not None
    assert answer.body["error"]["details"] == {"serverLabel": "give either serverLabel or an id"}
