"""What a stranger sees is what one sees who asks for nothing, to the byte. Who gets what else: `table.py`."""

from __future__ import annotations

from uuid import uuid4

import pytest

from deployments.models import Deployment, Project
from tests.doors.people import People


@pytest.mark.parametrize(
    "path", ["deployments/{id}", "deployments/{id}/status", "projects/{id}", "deployments?projectId={id}"]
)
def test_what_is_a_strangers_looks_as_if_it_were_not_there(
    people: People, project: Project, deployment: Deployment, path: str
) -> None:
    theirs = project.id if "roject" in path else deployment.id
    hidden = people.api("stranger").get(f"/api/{path.format(id=theirs)}")
    missing = people.api("stranger").get(f"/api/{path.format(id=uuid4())}")
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert str(theirs) not in hidden.content.decode()


def test_lists_hold_only_what_one_may_see(people: People, deployment: Deployment) -> None:
    for who, count in {"owner": 1, "viewer": 1, "stranger": 0, "root": 1}.items():
        data = people.api(who).get("/api/deployments").json()["data"]
        assert (len(data["deployments"]), data["pagination"]["total"]) == (count, count)
