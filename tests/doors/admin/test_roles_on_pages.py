"""Pages offer each person what their role allows, and say whom to ask for the rest."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from agents.models import Agent, Server
from deployments.admin.forms import target_in
from deployments.data.job_types import JobLine
from deployments.models import NodeCode, Project, User
from deployments.services.queries import job_view
from deployments.types import Target, TargetKind
from tests import factories
from tests.deployments.lane import Lane
from tests.doors.people import People

pytestmark = pytest.mark.django_db
EVERYBODY = ("owner", "approver", "editor", "deployer", "viewer")


@pytest.fixture
def lane(owner: User, project: Project, server: Server, agent: Agent) -> Lane:
    made = Lane(owner=owner, project_id=project.id, server=server, agent=agent)
    made.store_graph(web="web:1", api="api:1")
    return made


@pytest.fixture
def tar() -> SimpleUploadedFile:
    return SimpleUploadedFile("code.tar", factories.code_tar())


@pytest.mark.parametrize("who", EVERYBODY)
def test_the_page_of_a_project_says_who_owns_it_and_a_viewer_whom_to_ask(
    people: People, project: Project, who: str
) -> None:
    said = people.browser(who).get(f"/admin/deployments/project/{project.id}/change/").content.decode()
    assert "owned by owner" in said
    assert ("You can view this project but not deploy it. Ask owner." in said) is (who == "viewer")


@pytest.mark.parametrize("who", EVERYBODY)
def test_importing_is_offered_to_who_may_change_the_project_and_exporting_to_all(
    people: People, project: Project, who: str
) -> None:
    may_change = who in {"owner", "approver", "editor"}
    base, browser = f"/admin/deployments/project/{project.id}", people.browser(who)
    said = browser.get(f"{base}/compose/").content.decode()
    assert ("Preview import" in said, 'name="file"' in said) == (may_change, may_change)
    assert f"{base}/compose/files/" in said
    said = browser.get(f"{base}/graph/edit/").content.decode()
    assert ('value="check"' in said, "Check validates this text" in said) == (may_change, may_change)
    assert ("You can view this graph but not change it. Ask owner." in said) is not may_change
    assert f'href="{base}/compose/"' in said


def test_a_job_is_run_where_it_is_deployed(
    people: People, project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = JobLine(name="report", server_id=server.id, server_name=server.name, kind="by-hand")
    monkeypatch.setattr(job_view, "list_jobs", lambda **_: (job,))
    address = f"/admin/deployments/project/{project.id}/jobs/"
    said = people.browser("deployer").get(address).content.decode()
    wanted = f"server:{server.id}"
    assert f"?target={wanted}&amp;service=report" in said
    assert target_in(wanted) == Target(kind=TargetKind.SERVER, id=server.id)
    assert "Run now" not in people.browser("viewer").get(address).content.decode()


def test_uploaded_code_is_listed_and_can_be_removed(people: People, lane: Lane, tar: SimpleUploadedFile) -> None:
    base, browser = f"/admin/deployments/project/{lane.project_id}", people.browser("owner")
    browser.post(f"{base}/code/", {"node": "n-web", "code": tar})
    said = browser.get(f"{base}/change/").content.decode()
    assert "web: " in said
    assert 'name="remove" value="n-web"' in said
    assert 'name="remove"' not in people.browser("deployer").get(f"{base}/change/").content.decode()
    people.browser("deployer").post(f"{base}/code/", {"remove": "n-web"})
    assert NodeCode.objects.count() == 1
    assert "The code was removed." in browser.post(f"{base}/code/", {"remove": "n-web"}, follow=True).content.decode()
    assert not NodeCode.objects.exists()
    assert "The node has no code." in browser.post(f"{base}/code/", {"remove": "n-web"}, follow=True).content.decode()


def test_rolling_back_is_offered_where_there_is_something_to_go_back_to(people: People, lane: Lane) -> None:
    first = lane.deployed()
    page = "/admin/deployments/deployment/{}/state/".format
    assert people.browser("owner").get(page(first.id)).json()["canRollBack"] is False
    lane.store_graph(web="web:2", api="api:1")
    second = lane.deployed()
    assert people.browser("owner").get(page(second.id)).json()["canRollBack"] is True
    assert people.browser("owner").get(page(second.id).replace("state", "links")).json()["canRollBack"] is True


def test_a_target_leads_to_its_page_for_who_may_open_it(people: People, lane: Lane) -> None:
    lane.deployed()
    address = reverse("admin:deployments_project_state", args=[lane.project_id])
    own = {str(lane.server.id): reverse("admin:agents_server_overview", args=[lane.server.id])}
    assert people.browser("owner").get(address).json()["machines"] == own
    assert people.browser("viewer").get(address).json()["machines"] == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [("health_deadline", 0), ("health_window", 99_999_999), ("retention", 0), ("repairs_per_hour", 0)],
)
def test_settings_that_nothing_could_work_with_are_refused(
    people: People, project: Project, field: str, value: int
) -> None:
    wish = {"name": project.name, "concurrency": "queue", "health_deadline": 60, "health_window": 3, "retention": 10}
    wish |= {"repairs_per_hour": 3, "soak_minutes": 0}
    address = f"/admin/deployments/project/{project.id}/settings/"
    refused = people.browser("editor").post(address, {**wish, field: value})
    assert (refused.status_code, list(refused.context["errors"]) != []) == (200, True)
    answer = people.browser("editor").post(address, wish)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/deployments/project/{project.id}/change/")
