"""Plan, deploy as approved, history, rollback, stop and scale by the admin's forms."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Agent, Server
from deployments.admin import plan_summary
from deployments.models import Deployment, DeploymentHistory, Project, User
from deployments.types import DeploymentRecord
from stackgen.plan import Change
from tests import factories
from tests.deployments.lane import Lane
from tests.doors.people import People
from tests.factories import reload

JSON = {"Accept": "application/json"}
SECRET = "unique-value-of-a-variable"
LADDER = {"owner": 200, "deployer": 200, "viewer": 200, "root": 200, "stranger": 404, "nobody": 302}


@pytest.fixture
def lane(owner: User, project: Project, server: Server, agent: Agent) -> Lane:
    made = Lane(owner=owner, project_id=project.id, server=server, agent=agent)
    made.store_graph(web="web:1", api="api:1")
    return made


def base(lane: Lane) -> str:
    return f"/admin/deployments/project/{lane.project_id}"


def page_of(deployment: DeploymentRecord) -> str:
    return f"/admin/deployments/deployment/{deployment.id}"


def form(lane: Lane, **fields: Any) -> dict[str, Any]:
    return {"target": f"server:{lane.server.id}", "envName": ["TOKEN"], "envValue": [SECRET], **fields}


def count() -> int:
    return Deployment.objects.count()


def test_the_plan_tells_everything_but_values_and_stores_nothing(people: People, lane: Lane) -> None:
    lane.deployed()
    lane.store_graph(web="web:2", mailer="mailer:1")
    answer = people.browser("owner").post(f"{base(lane)}/plan/", form(lane), headers=JSON)
    told = answer.json()
    words = " ".join(re.sub("<[^>]*>", " ", told["html"]).split())
    for said in ("Replace web", "TOKEN added", "Create mailer", "Remove api", "downtime", told["approval"]):
        assert said in words or said.replace(" ", "") in words.replace(" ", "")
    assert SECRET not in answer.content.decode()
    assert count() == 1


def test_a_service_with_many_reasons_shows_a_few_and_has_the_rest() -> None:
    change = Change(service="web", node_id="n", action="replace", reasons=tuple(f"reason {n}" for n in range(40)))
    row = plan_summary.summarize_plan([change]).rows[0]
    assert len(row.reasons) < 10
    assert row.reasons + row.more == change.reasons


def test_deploying_as_approved_and_refused_when_something_changed(people: People, lane: Lane) -> None:
    browser = people.browser("owner")
    planned = browser.post(f"{base(lane)}/plan/", form(lane), headers=JSON).json()
    lane.store_graph(web="web:2", api="api:1")
    wish = form(lane, approval=planned["approval"], requestId=planned["requestId"])
    refused = browser.post(f"{base(lane)}/deploy/", wish, headers=JSON)
    now = refused.json()
    assert refused.status_code == 409
    assert "Changed since the plan was reviewed: the graph" in now["html"]
    assert now["approval"] not in {"", planned["approval"]}
    assert count() == 0
    wish = form(lane, approval=now["approval"], requestId=now["requestId"])
    first, second = (browser.post(f"{base(lane)}/deploy/", wish, headers=JSON).json() for _ in range(2))
    made = Deployment.objects.get()
    assert first == second == {"address": f"/admin/deployments/deployment/{made.id}/change/"}
    assert made.approval == now["approval"]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"target": "moon:1"}, 400, "Choose where to deploy"),
        ({"target": f"server:{uuid4()}"}, 400, "No such server"),
        ({"envName": ["1 x"]}, 400, "is not a valid variable name"),
        ({"approval": "nonsense"}, 400, "not the approval of a plan"),
    ],
)
def test_what_is_wrong_with_a_wish_is_told_in_place(
    people: People, lane: Lane, fields: dict[str, Any], status: int, said: str
) -> None:
    answer = people.browser("owner").post(f"{base(lane)}/deploy/", form(lane, **fields), headers=JSON)
    assert (answer.status_code, answer.json()["approval"]) == (status, "")
    assert said in answer.json()["html"]
    assert count() == 0


@pytest.mark.parametrize(("who", "status"), LADDER.items())
def test_who_sees_the_history(people: People, lane: Lane, who: str, status: int) -> None:
    first, second = lane.deployed(), lane.deployed(env_vars={"TOKEN": SECRET})
    ids = [str(DeploymentHistory.objects.get(deployment=each.id).id) for each in (first, second)]
    browser = people.browser(who)
    assert browser.get(f"{base(lane)}/history/").status_code == status
    diff = browser.get(f"{base(lane)}/history/diff/", {"one": ids[1], "other": ids[0]})
    assert diff.status_code == status
    if status == 200:
        listed = browser.get(f"{base(lane)}/history/", {"from": ids[0]}).content.decode()
        assert f"one={ids[0]}&amp;other={ids[1]}" in listed
        assert ("Roll back to this" in listed) == (who != "viewer")
        assert diff.context["diff"].env_added == ("TOKEN",)
        assert SECRET not in listed + diff.content.decode()


def test_the_history_says_what_can_be_restored_and_why_not(people: People, lane: Lane) -> None:
    for _ in range(3):
        lane.deployed()
    DeploymentHistory.objects.filter(number=1).update(dropped_at=lane.now())
    rows = people.browser("owner").get(f"{base(lane)}/history/").context["rows"]
    assert [(row.entry.version, row.state.label, bool(row.undo)) for row in rows] == [
        ("v3", "Current", False),
        ("v2", "Can be restored", True),
        ("v1", "Cannot be restored", False),
    ]


def test_nonsense_in_addresses_of_the_history_is_harmless(people: People, lane: Lane) -> None:
    browser = people.browser("owner")
    empty = browser.get(f"{base(lane)}/history/", {"page": "99999", "target": "x", "from": str(uuid4())})
    assert b"No versions yet" in empty.content
    assert browser.get(f"{base(lane)}/history/diff/", {"one": "x"}).status_code == 404
    assert browser.get(f"{base(lane)}/history/diff/", {"one": str(uuid4()), "other": str(uuid4())}).status_code == 404
    lane.deployed()
    version = DeploymentHistory.objects.get().id
    other = factories.make_project(lane.owner, name="Another")
    elsewhere = f"/admin/deployments/project/{other.id}/history/diff/"
    assert browser.get(elsewhere, {"one": str(version), "other": str(version)}).status_code == 404


def test_a_long_history_costs_as_many_queries_as_a_short_one(people: People, lane: Lane) -> None:
    browser = people.browser("owner")

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(f"{base(lane)}/history/").status_code == 200
        return len(caught)

    lane.deployed()
    lane.deployed()
    few = queries()
    for _ in range(6):
        lane.deployed()
    assert queries() == few


def test_rolling_back_by_form(people: People, lane: Lane) -> None:
    browser, first = people.browser("owner"), lane.deployed()
    lane.store_graph(web="web:2", api="api:1")
    second = lane.deployed()
    shown = browser.get(f"{page_of(second)}/rollback/")
    assert shown.context["entry"].deployment_id == first.id
    assert [row.badge.label for row in shown.context["plan"].rows] == ["Replace", "Keep"]
    wish = {"to": str(first.id), "requestId": "once"}
    places = {browser.post(f"{page_of(second)}/rollback/", wish)["Location"] for _ in range(2)}
    made = Deployment.objects.get(kind="rollback")
    assert places == {f"/admin/deployments/deployment/{made.id}/change/"}
    assert made.rollback_of_id == second.id
    state = browser.get(f"{page_of(second)}/state/").json()
    assert f"rollback {str(made.id)[:8]}: queued" in [link["text"] for link in state["links"]]
    lane.succeed(lane.start(reload(made.id)))
    texts = [link["text"] for link in browser.get(f"/admin/deployments/deployment/{made.id}/state/").json()["links"]]
    assert texts == ["Version v3", "restores v1", f"undoes {str(second.id)[:8]}"]


@pytest.mark.parametrize("to", ["", "x", "11111111-2222-4333-8444-555555555555"])
def test_a_rollback_to_nowhere_is_refused(people: People, lane: Lane, to: str) -> None:
    deployment = lane.deployed()
    answer = people.browser("owner").post(f"{page_of(deployment)}/rollback/", {"to": to}, follow=True)
    assert [str(message) for message in answer.context["messages"]]
    assert "There is no earlier version" in answer.content.decode()
    assert count() == 1


def test_stopping_and_scaling_by_form(people: People, lane: Lane) -> None:
    browser, target = people.browser("owner"), f"server:{lane.server.id}"
    nothing = browser.get(f"{base(lane)}/stop/", {"target": target}, follow=True)
    assert b"The project is not running there" in nothing.content
    lane.deployed()
    listed = browser.get(f"{base(lane)}/scale/", {"target": target, "service": "web", "replicas": "3"})
    assert "1 copy now" in listed.content.decode()
    assert "Run 3 copies" in listed.content.decode()
    stopping = browser.get(f"{base(lane)}/stop/", {"target": target})
    assert [row.badge.label for row in stopping.context["plan"].rows] == ["Remove", "Remove"]
    assert count() == 1
    scaling = {"target": target, "service": "web", "replicas": "3", "requestId": "a"}
    for address, wish in ((f"{base(lane)}/scale/", scaling), (f"{base(lane)}/stop/", {"target": target})):
        assert "/admin/deployments/deployment/" in browser.post(address, wish)["Location"]
    scaled = Deployment.objects.get(kind="scale")
    assert {state["name"]: state["replicas"] for state in scaled.service_statuses} == {"web": 3, "api": 1}
    assert Deployment.objects.filter(kind="stop").count() == 1


@pytest.mark.parametrize("replicas", ["", "many", "-1", "100000"])
def test_a_senseless_number_of_copies_is_refused(people: People, lane: Lane, replicas: str) -> None:
    lane.deployed()
    wish = {"target": f"server:{lane.server.id}", "service": "web", "replicas": replicas}
    answer = people.browser("owner").post(f"{base(lane)}/scale/", wish, follow=True)
    assert [str(message) for message in answer.context["messages"]]
    assert count() == 1


@pytest.mark.parametrize(("who", "status"), [("viewer", 302), ("stranger", 404), ("nobody", 302)])
def test_who_may_not_deploy_does_none_of_it(people: People, lane: Lane, who: str, status: int) -> None:
    lane.deployed()
    last, browser, target = lane.deployed(), people.browser(who), f"server:{lane.server.id}"
    asked = {"target": target, "service": "web", "replicas": "2", "to": str(last.id)}
    for address in (f"{base(lane)}/stop/", f"{base(lane)}/scale/", f"{page_of(last)}/rollback/"):
        assert browser.get(address, asked).status_code == status
        assert browser.post(address, asked).status_code == status
    for address in ("plan", "deploy"):
        refused = browser.post(f"{base(lane)}/{address}/", form(lane), headers=JSON)
        assert refused.status_code == {"viewer": 403}.get(who, status)
    assert count() == 2
    if who == "viewer":
        state = browser.get(f"{base(lane)}/state/").json()
        assert not state["canDeploy"]
        assert b"ax-deploy-form" not in browser.get(f"{base(lane)}/change/").content
