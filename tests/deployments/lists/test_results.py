"""One word for one outcome: what a page calls a deployment is what its filters find."""

from __future__ import annotations

from itertools import product

import pytest

from agents.models import Server
from deployments import states
from deployments.data.list_types import DeploymentFilter
from deployments.models import Deployment, Project
from deployments.repositories import deployments
from deployments.repositories.paging.pages import Selection, ids_at
from deployments.states import Reason, Result, Status
from tests import factories

pytestmark = pytest.mark.django_db

FINISHED_WITH = (Reason.UNHEALTHY, Reason.CANCELLED, Reason.SUPERSEDED)


@pytest.fixture
def every_kind(project: Project, server: Server) -> list[Deployment]:
    """One deployment of each status, with and without a reason, a rollback of it, and a cancel."""
    other = factories.make_deployment(project, server)
    made = [other]
    for status, reason, undone, cancelling in product(
        Status, (Reason.NONE, *FINISHED_WITH), (False, True), (False, True)
    ):
        working = status in states.ACTIVE and not undone
        if (status is Status.FAILED and not reason) or (working and any(each.status in states.ACTIVE for each in made)):
            # The database holds neither: a failure has a reason, and one works at a time.
            continue
        second = factories.later(len(made))
        made.append(
            factories.make_deployment(
                project,
                server,
                at=second,
                status=status,
                reason=reason,
                rolled_back_by=other if undone else None,
                cancel_requested_at=second if cancelling else None,
            )
        )
    return made


def test_the_filter_of_each_word_finds_what_is_called_so(project: Project, every_kind: list[Deployment]) -> None:
    called = {each.id: deployments.get(deployment_id=each.id).result for each in every_kind}
    for result in Result:
        wanted = states.FAILURES if result is Result.FAILED else {result}
        selection = Selection(project_ids=(project.id,), matching=DeploymentFilter(result=result))
        found = ids_at(selection, start=0, limit=500, total=None)
        assert set(found) == {each for each, name in called.items() if name in wanted}, result
        assert selection.total() == len(found)


def test_what_restored_itself_is_a_failure_and_not_rolled_back() -> None:
    restored = states.result_of(status=Status.ROLLED_BACK, reason=Reason.BUILD)
    assert states.RESULT_LABELS[restored] == "Failed, previous version restored"
    assert restored in states.FAILURES
    assert states.result_of(status=Status.ROLLED_BACK, reason=Reason.BUILD, undone=True) is Result.ROLLED_BACK


def test_each_result_and_reason_has_its_words() -> None:
    assert set(states.RESULT_LABELS) == set(Result)
    assert set(states.REASON_LABELS) == set(Reason) - {Reason.NONE}
