"""The admin's pages: who sees what, with nothing, with much, and what its buttons do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Server
from deployments import states
from deployments.admin import badges, paginators
from deployments.admin.filters import RequesterFilter
from deployments.data.list_types import DeploymentFilter
from deployments.models import Deployment, Project
from deployments.repositories import deployments
from deployments.repositories.paging.pages import Selection
from deployments.states import Kind, Reason, Stage, Transition
from tests import factories
from tests.doors.people import NAMES, People
from tests.doors.sockets import line, write

LIST = "/admin/deployments/deployment/"
TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
PAGES = {
    "deployment": LIST + "{deployment}/change/",
    "state": LIST + "{deployment}/state/",
    "files": LIST + "{deployment}/files/",
    "log": LIST + "{deployment}/log/",
    "project": "/admin/deployments/project/{project}/change/",
    "project state": "/admin/deployments/project/{project}/state/",
}
LADDER = {"owner": 200, "deployer": 200, "viewer": 200, "root": 200, "stranger": 404, "nobody": 302}
GRAPH = {
    "nodes": [{"id": "n1", "type": 2, "data": {"serviceName": "db", "config": {"databaseType": "postgresql"}}}],
    "edges": [],
}


@pytest.mark.parametrize(("who", "status"), LADDER.items())
@pytest.mark.parametrize("page", PAGES)
def test_ladder(people: People, deployment: Deployment, page: str, who: str, status: int) -> None:
    address = PAGES[page].format(deployment=deployment.id, project=deployment.project_id)
    assert people.browser(who).get(address).status_code == status


@pytest.mark.parametrize("page", ["/admin/", LIST, "/admin/deployments/project/", "/admin/deployments/project/add/"])
def test_pages_open_with_nothing_there(people: People, page: str) -> None:
    assert people.browser("stranger").get(page).status_code == 200


@pytest.mark.parametrize(("who", "count"), [("owner", 1), ("viewer", 1), ("stranger", 0), ("root", 1)])
def test_lists_and_dashboard_show_only_what_one_may_see(
    people: People, deployment: Deployment, who: str, count: int
) -> None:
    browser = people.browser(who)
    assert len(browser.get(LIST).context["cl"].result_list) == count
    assert len(browser.get("/admin/deployments/project/").context["cl"].result_list) == count
    assert len(browser.get("/admin/").context["state"]["unfinished"]) == count


def test_on_the_dashboard_what_works_comes_before_a_long_queue(
    people: People, project: Project, server: Server
) -> None:
    working = factories.make_deployment(project, server, status="in_progress")
    for seconds in range(15):
        factories.make_deployment(project, server, at=factories.later(seconds + 1))
    for who, count in (("owner", 16), ("root", 16), ("stranger", 0)):
        state = people.browser(who).get("/admin/").context["state"]
        assert state["underWay"] == count
        assert [each["id"] for each in state["unfinished"][:1]] == [str(working.id)] * bool(count)


def test_pages_hold_no_value_and_no_sealed_value(people: People, deployment: Deployment) -> None:
    Deployment.objects.filter(pk=deployment.pk).update(sealed_variables="1:sealed-values")
    for page in PAGES.values():
        answer = people.browser("owner").get(page.format(deployment=deployment.id, project=deployment.project_id))
        assert b"1:sealed" not in answer.getvalue()


def test_what_failed_is_on_the_page(people: People, deployment: Deployment) -> None:
    outcome = deployments.Outcome(
        reason=Reason.BUILD, message="No such file.", failed_service="web", log_tail=("pip: gone",)
    )
    with transaction.atomic():
        deployments.advance(deployment_id=deployment.id, transition=Transition.FAIL, at=factories.NOW, outcome=outcome)
    state = people.browser("owner").get(f"{LIST}{deployment.id}/state/").json()
    shown = state["deployment"]
    assert (shown["failedService"], shown["logTail"], shown["message"]) == ("web", ["pip: gone"], "No such file.")
    assert state["badges"]["advice"][shown["reason"]]


def test_markup_in_what_services_say_stays_text(people: People, deployment: Deployment) -> None:
    write(deployment.id, line("</script><script>alert(1)</script>"))
    page = people.browser("owner").get(f"{LIST}{deployment.id}/change/").content.decode()
    assert "<script>alert(1)" not in page


def test_the_whole_log_can_be_had(people: People, deployment: Deployment) -> None:
    write(deployment.id, *[line(f"number {number}") for number in range(700)])
    text = people.browser("owner").get(f"{LIST}{deployment.id}/log/").getvalue().decode()
    assert text.count("\n") == 700
    assert "web | number 699" in text
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ web \| number 0\n", text)


def test_a_long_list_costs_as_many_queries_as_a_short_one(people: People, project: Project, server: Server) -> None:
    browser = people.browser("owner")

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(LIST).status_code == 200
        return len(caught)

    factories.make_deployment(project, server)
    few = queries()
    for _ in range(20):
        factories.make_deployment(project, server)
    assert queries() == few


def test_large_counts_are_estimated(project: Project, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paginators, "MAX_EXACT_COUNT", 3)
    made = [factories.make_deployment(project, server, at=factories.later(second)).pk for second in range(6)]
    selection = Selection(project_ids=(project.id,), matching=DeploymentFilter(kind=Kind.DEPLOY))

    paginator = paginators.SelectionPaginator(selection=selection, rows=Deployment.objects.all(), per_page=2)

    assert paginator.count >= 4
    assert {row.pk for row in paginator.page(2)} == set(made[2:4])


def test_a_kind_has_its_pages_and_its_total(people: People, project: Project, server: Server) -> None:
    made = [factories.make_deployment(project, server, at=factories.later(second)).pk for second in range(60)]
    factories.make_deployment(project, server, kind="stop")

    shown = people.browser("owner").get(f"{LIST}?p=2&kind=deploy").context["cl"]

    assert (shown.result_count, [row.pk for row in shown.result_list]) == (60, made[9::-1])
    assert people.browser("owner").get(f"{LIST}?kind=stop").context["cl"].result_count == 1


def test_who_asked_has_pages_and_a_total(people: People, project: Project, server: Server) -> None:
    owner, deployer = people.users["owner"], people.users["deployer"]
    made = [
        factories.make_deployment(project, server, requested_by=deployer, at=factories.later(second)).pk
        for second in range(60)
    ]
    factories.make_deployment(project, server)
    address = f"{LIST}?requested_by_id="

    shown = people.browser("owner").get(f"{address}{deployer.pk}&p=2").context["cl"]

    assert (shown.result_count, [row.pk for row in shown.result_list]) == (60, made[9::-1])
    assert people.browser("viewer").get(f"{address}{owner.pk}").context["cl"].result_count == 1
    assert people.browser("owner").get(f"{address}nonsense").context["cl"].result_count == 61
    assert people.browser("stranger").get(f"{address}{owner.pk}").context["cl"].result_count == 0


def test_who_can_be_chosen_belongs_to_a_project_that_the_caller_sees(people: People, project: Project) -> None:
    def choices(who: str) -> list[str]:
        shown = people.browser(who).get(LIST).context["cl"].filter_specs
        (found,) = (each for each in shown if isinstance(each, RequesterFilter))
        return [str(name) for _, name in found.lookup_choices]

    assert choices("viewer") == sorted(people.users[who].username for who in NAMES if who != "stranger")
    assert choices("stranger") == [people.users["stranger"].username]


def test_the_list_reads_its_pages_through_the_selection(people: People, project: Project, server: Server) -> None:
    made = [factories.make_deployment(project, server, at=factories.later(second)).pk for second in range(120)]
    browser = people.browser("viewer")
    for number, size in {1: 50, 2: 50, 3: 20}.items():
        shown = browser.get(f"{LIST}?p={number}&project={project.id}&result=waiting").context["cl"]
        expected = made[::-1][(number - 1) * 50 :][:50]
        assert (shown.result_count, [row.pk for row in shown.result_list]) == (120, expected)
        assert len(shown.result_list) == size
    assert browser.get(f"{LIST}?result=failed").context["cl"].result_count == 0
    other = people.browser("stranger").get(f"{LIST}?project={project.id}").context["cl"]
    assert (other.result_count, list(other.result_list)) == (0, [])
    assert browser.get(f"{LIST}?status__exact=failed").status_code in (302, 400)


def test_deploying_uploading_and_cancelling_by_form(people: People, project: Project, server: Server) -> None:
    browser, base = people.browser("owner"), f"/admin/deployments/project/{project.id}"
    graph = SimpleUploadedFile("graph.json", json.dumps(GRAPH).encode())
    assert browser.post(f"{base}/graph/", {"graph": graph}).status_code == 302
    wish = {"target": f"server:{server.id}", "envName": ["A", ""], "envValue": ["x", "y"], "requestId": "r"}
    first, second = (browser.post(f"{base}/deploy/", wish) for _ in range(2))
    made = Deployment.objects.get()
    assert first.headers["Location"] == second.headers["Location"] == f"{LIST}{made.id}/change/"
    assert list(made.env_vars) == ["A"]
    browser.post(f"{LIST}{made.id}/cancel/")
    made.refresh_from_db()
    assert (made.status, made.reason) == ("failed", "cancelled")


@pytest.mark.parametrize(("who", "status"), [("viewer", 302), ("stranger", 404), ("nobody", 302)])
def test_who_may_not_deploy_changes_nothing(
    people: People, deployment: Deployment, server: Server, who: str, status: int
) -> None:
    base = f"/admin/deployments/project/{deployment.project_id}"
    posts: list[tuple[str, Any]] = [
        (f"{base}/deploy/", {"target": f"server:{server.id}"}),
        (f"{base}/graph/", {"graph": SimpleUploadedFile("graph.json", json.dumps(GRAPH).encode())}),
        (f"{LIST}{deployment.id}/cancel/", {}),
    ]
    for address, data in posts:
        assert people.browser(who).post(address, data).status_code == status
    deployment.refresh_from_db()
    assert (deployment.status, Deployment.objects.count(), deployment.project.graph_versions.count()) == (
        "pending",
        1,
        1,
    )


def test_forms_of_other_sites_do_nothing(people: People, deployment: Deployment) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.users["owner"])
    assert browser.post(f"{LIST}{deployment.id}/cancel/").status_code == 403
    assert browser.get(f"{LIST}{deployment.id}/cancel/").status_code == 405


def test_a_project_made_in_the_admin_is_its_makers(people: People) -> None:
    numbers = {"health_deadline": 60, "health_window": 3, "retention": 10, "repairs_per_hour": 3, "soak_minutes": 10}
    fields = {"name": "Shop", "concurrency": "queue", **numbers}
    browser = people.browser("stranger")
    assert browser.post("/admin/deployments/project/add/", fields).status_code == 302
    made = Project.objects.get(name="Shop")
    assert made.owner == people.users["stranger"]
    assert b"already" in browser.post("/admin/deployments/project/add/", fields).content


@pytest.mark.parametrize(("who", "status"), [("owner", 200), ("stranger", 302)])
def test_settings_are_the_owners(people: People, project: Project, who: str, status: int) -> None:
    assert people.browser(who).get(f"/admin/deployments/project/{project.id}/settings/").status_code == status


def test_nothing_can_be_added_or_removed_by_hand(people: People, deployment: Deployment) -> None:
    root = people.browser("root")
    assert root.get(f"{LIST}add/").status_code == 403
    assert root.post(f"{LIST}{deployment.id}/delete/", {"post": "yes"}).status_code == 403
    assert root.get(f"{LIST}{uuid4()}/change/").status_code == 404


def test_every_state_has_a_look() -> None:
    assert set(badges.RESULT) == set(states.RESULT_LABELS) == set(states.Result)
    assert set(badges.STAGES) == set(Stage) - {Stage.NONE}
    assert set(badges.WHAT_TO_DO) == set(Reason) - {Reason.NONE}


def test_pages_of_ours_need_no_inline_script_or_style() -> None:
    """So that a content security policy may forbid them."""
    inline = re.compile(r"""\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)|javascript:""")
    pages = [*TEMPLATES.glob("admin/**/*.html"), *TEMPLATES.glob("unfold/**/*.html"), *TEMPLATES.glob("*.html")]
    assert len(pages) > 10
    assert not [page.name for page in pages if inline.search(page.read_text())]


def test_who_is_refused_or_lost_is_told_so_on_a_page(people: People, project: Project) -> None:
    browser = people.browser("stranger")
    lost = browser.get(f"/admin/deployments/project/{project.id}/history/")
    refused = browser.get("/admin/deployments/user/")
    assert (lost.status_code, refused.status_code) == (404, 403)
    assert b"Page not found" in lost.content
    assert project.name.encode() not in lost.content
    assert b"not allowed to do this" in refused.content


def test_the_head_of_a_deployments_page_says_names(people: People, deployment: Deployment) -> None:
    page = people.browser("owner").get(f"{LIST}{deployment.id}/change/").content.decode()
    way = page.split('id="header-inner"')[1].split("</h1>")[0]
    assert deployment.project.name in way
    assert str(deployment.id)[:8] in way
    assert str(deployment) not in page
