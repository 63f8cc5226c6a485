"""Lists over REST, narrowed by where, why and when."""

from __future__ import annotations

from rest_framework.test import APIClient

from agents.models import Server
from deployments.models import Project
from tests import factories
from tests.doors.people import People

# Hours after the first of the scene.
PERIOD = {"from": 1, "until": 3}


def test_a_list_by_target_reason_and_date_has_its_own_pages_and_totals(
    owner_api: APIClient, project: Project, server: Server, people: People
) -> None:
    owner = people.users["owner"]
    elsewhere, other = factories.make_server(owner, name="elsewhere"), factories.make_project(owner, name="Other")
    failed = {"status": "failed", "reason": "build"}
    made = [
        factories.make_deployment(of, (server, elsewhere)[hour % 2], at=factories.later(3600 * hour), **failed)
        for of in (project, other)
        for hour in range(4)
    ]
    factories.make_deployment(project, server, status="failed", reason="image", at=factories.later(7200))

    def found(query: str) -> list[str]:
        data = owner_api.get(f"/api/deployments?limit=100&{query}").json()["data"]
        assert data["pagination"]["total"] == len(data["deployments"])
        return sorted(each["id"] for each in data["deployments"])

    def expected(*hours: int) -> list[str]:
        return sorted(str(made[at].pk) for hour in hours for at in (hour, hour + 4))

    assert found(f"targetId={elsewhere.pk}") == expected(1, 3)
    assert found("reason=build") == expected(0, 1, 2, 3)
    dates = {name: factories.later(3600 * hour).isoformat().replace("+", "%2B") for name, hour in PERIOD.items()}
    assert found(f"reason=build&createdFrom={dates['from']}&createdUntil={dates['until']}") == expected(1, 2)
    assert found(f"projectId={project.pk}&createdUntil={dates['from']}") == [str(made[0].pk)]
    for wrong in ("targetId=x", "reason=x", "createdFrom=yesterday"):
        assert owner_api.get(f"/api/deployments?{wrong}").status_code == 400, wrong
