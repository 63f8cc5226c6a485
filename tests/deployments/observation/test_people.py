"""What people do with incidents, and what each page of them says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from deployments.models import Incident, User
from tests import factories
from tests.deployments.lane import Lane


@pytest.fixture
def incident(lane: Lane) -> Incident:
    lane.store_graph(web="web:1")
    ran = lane.deployed()
    return factories.make_incident(
        factories.project_of(lane.project_id), lane.server, deployment_id=ran.id, log_tail=["no database"]
    )


@pytest.fixture
def staff(lane: Lane, client: Client) -> Client:
    User.objects.filter(pk=lane.owner.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=lane.owner.pk))
    return client


def post(client: Client, incident: Incident, what: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/api/incidents/{incident.pk}/{what}", body, content_type="application/json")
    return answer.status_code, answer.json()


def test_who_takes_care_of_it_first_stays(lane: Lane, incident: Incident, staff: Client) -> None:
    status, said = post(staff, incident, "acknowledge")
    assert (status, said["incident"]["acknowledgedBy"]) == (200, "alice")
    other = factories.make_user("bob")
    factories.add_member(factories.project_of(lane.project_id), other, role="deployer")
    staff.force_login(other)
    assert post(staff, incident, "acknowledge")[1]["incident"]["acknowledgedBy"] == "alice"


def test_it_is_muted_for_a_while_and_no_longer(incident: Incident, staff: Client) -> None:
    before = datetime.now(UTC).timestamp() * 1000
    assert post(staff, incident, "mute", minutes=60)[1]["incident"]["mutedUntil"] >= before + 3_590_000
    assert post(staff, incident, "mute", minutes=0)[1]["incident"]["mutedUntil"] == 0
    assert post(staff, incident, "mute", minutes=10_081)[0] == 400
    assert post(staff, incident, "mute")[0] == 400


def test_what_is_over_is_nobodys_work(incident: Incident, staff: Client) -> None:
    Incident.objects.update(closed_at=datetime.now(UTC))
    assert post(staff, incident, "acknowledge")[0] == 409
    assert staff.get("/api/incidents?open=true").json()["data"]["incidents"] == []
    assert len(staff.get("/api/incidents?open=false").json()["data"]["incidents"]) == 1


def test_strangers_learn_nothing_and_viewers_change_nothing(lane: Lane, incident: Incident, client: Client) -> None:
    viewer, stranger = factories.make_user("viewer"), factories.make_user("stranger")
    factories.add_member(factories.project_of(lane.project_id), viewer, role="viewer")
    client.force_login(viewer)
    assert client.get(f"/api/incidents/{incident.pk}").status_code == 200
    assert post(client, incident, "acknowledge")[0] == 403
    client.force_login(stranger)
    assert client.get(f"/api/incidents/{incident.pk}").status_code == 404
    assert client.get("/api/incidents").json()["data"]["pagination"]["total"] == 0
    assert post(client, incident, "mute", minutes=5)[0] == 404


def test_its_page_says_what_since_when_and_the_way_back(incident: Incident, staff: Client) -> None:
    address = reverse("admin:deployments_incident_change", args=[incident.pk])
    page = staff.get(address).content.decode()
    for said in ("Containers are missing", "All of its containers are missing.", "no database", "Acknowledge"):
        assert said in page
    assert reverse("admin:deployments_deployment_rollback", args=[incident.deployment_id]) in page
    staff.post(reverse("admin:deployments_incident_acknowledge", args=[incident.pk]))
    staff.post(reverse("admin:deployments_incident_mute", args=[incident.pk]), {"minutes": "60"})
    page = staff.get(address).content.decode()
    assert "acknowledged by alice" in page
    assert "Unmute" in page
    nonsense = staff.post(reverse("admin:deployments_incident_mute", args=[incident.pk]), {"minutes": "x"}, follow=True)
    assert "between 0 and" in nonsense.content.decode()


def test_the_first_page_and_the_projects_page_name_it(lane: Lane, incident: Incident, staff: Client) -> None:
    now = staff.get(reverse("admin:deployments_deployment_now")).json()["incidents"]
    assert (now["total"], now["open"][0]["cause"], now["open"][0]["projectName"]) == (1, "gone", "Shop")
    address = reverse("admin:deployments_project_state", args=[lane.project_id])
    assert [each["id"] for each in staff.get(address).json()["incidents"]] == [str(incident.pk)]
    listed = staff.get(reverse("admin:deployments_incident_changelist"), {"state": "open"}).content.decode()
    assert "Containers are missing" in listed
    assert (
        "Containers are missing"
        not in staff.get(reverse("admin:deployments_incident_changelist"), {"state": "closed"})
        .content.decode()
        .partition("result_list")[2]
    )


def test_an_incident_that_is_not_there_is_not_found(staff: Client) -> None:
    nobody = UUID(int=7)
    assert staff.get(f"/api/incidents/{nobody}").status_code == 404
    assert staff.get(reverse("admin:deployments_incident_change", args=[nobody])).status_code == 404
