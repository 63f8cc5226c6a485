"""The list of deployments in the admin, narrowed by where, why and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from agents.models import Server
from deployments.admin.filters import TargetFilter
from deployments.models import Project, StackState
from tests import factories
from tests.doors.people import People

LIST = "/admin/deployments/deployment/"


def test_target_reason_and_date_narrow_the_list_and_its_count(people: People, project: Project, server: Server) -> None:
    now, owner = timezone.now(), people.users["owner"]
    elsewhere = factories.make_server(owner, name="elsewhere")
    fresh = factories.make_deployment(project, server, status="failed", reason="build", at=now)
    old = factories.make_deployment(project, elsewhere, status="failed", reason="image", at=now - timedelta(days=40))

    def shown(query: str) -> list[Any]:
        found = people.browser("owner").get(f"{LIST}?{query}").context["cl"]
        assert found.result_count == len(found.result_list)
        return [row.pk for row in found.result_list]

    assert shown(f"target_id={server.pk}") == shown("reason=build") == shown("asked=7") == [fresh.pk]
    assert shown(f"target_id={elsewhere.pk}") == shown("reason=image") == shown("asked=older") == [old.pk]
    assert shown("asked=nonsense&reason=nonsense&target_id=nonsense") == [fresh.pk, old.pk]


def test_which_targets_can_be_chosen(people: People, project: Project, server: Server) -> None:
    StackState.objects.create(
        project=project, server_id=server.pk, condition="ok", since_ms=0, judged_at=timezone.now()
    )
    factories.make_server(people.users["stranger"], name="hers")

    def choices(who: str) -> list[str]:
        shown = people.browser(who).get(LIST).context["cl"].filter_specs
        found = [each for each in shown if isinstance(each, TargetFilter)]
        return [str(name) for each in found for _, name in each.lookup_choices]

    assert (choices("viewer"), choices("stranger")) == ([server.name], ["hers"])
