"""How stacks are in lists: over REST, in the admin, on the dashboard and in the terminal; each with its age."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from agents.contracts.version import OBSERVING_PROTOCOL
from agents.models import Agent
from deployments.models import User
from deployments.services.observation import stacks
from deployments.services.queries import stack_list
from tests import factories
from tests.deployments.lane import Lane
from tests.deployments.observation.test_recording import both, session, tell

__all__ = ["session"]


@pytest.fixture
def staff(lane: Lane, client: Client) -> Client:
    User.objects.filter(pk=lane.owner.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=lane.owner.pk))
    return client


def in_project_list(client: Client) -> dict[str, object]:
    (project,) = client.get("/api/projects").json()["data"]["projects"]
    (stack,) = project["stacks"]
    return dict(stack)


def test_every_list_says_what_is_seen(lane: Lane, session: UUID, staff: Client) -> None:
    tell(lane, session, *both(lane))
    assert in_project_list(staff)["state"] == "running"
    tell(lane, session, both(lane)[1])
    stack = in_project_list(staff)
    assert (stack["state"], stack["message"]) == ("degraded", "web: its container is missing.")
    assert stack["seenAt"]
    (listed,) = staff.get("/api/stacks").json()["data"]["stacks"]
    assert (listed["seen"]["state"], listed["projectName"]) == ("degraded", "Shop")
    page = staff.get(reverse("admin:deployments_project_changelist")).content.decode()
    assert "Degraded" in page
    assert "web: its container is missing." in page
    state = staff.get(reverse("admin:deployments_deployment_now")).json()["stacks"]
    assert (state["running"], state["meant"], [each["state"] for each in state["unwell"]]) == (0, 1, ["degraded"])


def test_an_agent_that_is_too_old_to_tell_is_not_green(lane: Lane, session: UUID, staff: Client) -> None:
    tell(lane, session, *both(lane))
    Agent.objects.filter(pk=lane.agent.id).update(protocol=OBSERVING_PROTOCOL - 1)
    stack = in_project_list(staff)
    assert stack["state"] == "unknown"
    assert str(stack["message"]).startswith("Not observed: the server's agent is too old")
    page = staff.get(reverse("admin:deployments_project_changelist")).content.decode()
    assert "Not known" in page
    assert 'data-tone="good"' not in page.partition("Not known")[0].rpartition("<tr")[2]
    assert staff.get(reverse("admin:deployments_deployment_now")).json()["stacks"]["running"] == 0


def test_a_stranger_sees_no_stack(lane: Lane, session: UUID, client: Client) -> None:
    tell(lane, session, *both(lane))
    client.force_login(factories.make_user("stranger"))
    assert client.get("/api/stacks").json()["data"]["stacks"] == []
    assert client.get(f"/api/stacks?projectId={lane.project_id}").status_code == 404


def test_the_terminal_lists_them(lane: Lane, session: UUID, capsys: pytest.CaptureFixture[str]) -> None:
    tell(lane, session, both(lane)[1])
    Agent.objects.filter(pk=lane.agent.id).update(last_seen_at=datetime.now(UTC) - timedelta(seconds=5))
    with pytest.raises(SystemExit) as ended:
        call_command("deployments", "ps", "--user", lane.owner.username)
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"Shop on {lane.server.name}: degraded for" in said
    assert "last seen 5 s ago" in said or "last seen 6 s ago" in said
    assert "web: its container is missing." in said
    with pytest.raises(SystemExit):
        call_command("deployments", "ps", "Shop", "--user", lane.owner.username, "--json")
    stack = json.loads(capsys.readouterr().out.splitlines()[0])["stack"]
    assert (stack["state"], stack["projectName"]) == ("degraded", "Shop")


def test_many_projects_take_no_more_queries_than_one(
    lane: Lane, session: UUID, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    tell(lane, session, *both(lane))
    others = [factories.make_project(lane.owner, name=f"Other {number}").pk for number in range(20)]
    with django_assert_num_queries(7):
        (look,) = stacks.look_at(project_ids=[lane.project_id, *others])
    assert look.seen.state.condition == "running"
    assert list(stack_list.stacks_by_project(project_ids=others)) == []
