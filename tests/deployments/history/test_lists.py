"""Pages and counts of deployments: exact, whoever writes, and the same from either end."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from agents.models import Server
from deployments.data.list_types import DeploymentFilter, Position
from deployments.models import Deployment, DeploymentCount, Project, User
from deployments.repositories import deployments
from deployments.repositories.deployments import Outcome
from deployments.repositories.paging import counts, deployment_lists, pages
from deployments.repositories.paging.pages import Selection
from deployments.services.permissions.access import caller_of
from deployments.services.queries import lookups
from deployments.states import Reason, Status, Transition
from deployments.wire import deployment_shape
from tests import factories

FAILED = Outcome(reason=Reason.CANCELLED, message="No longer wanted.")


def make_many(project: Project, server: Server, count: int) -> list[UUID]:
    """Newest first; every third shares its time with the one before."""
    made = [factories.make_deployment(project, server, at=factories.later(n - (n % 3 == 2))) for n in range(count)]
    return [row.pk for row in sorted(made, key=lambda row: (row.created_at, row.pk), reverse=True)]


def test_one_by_itself_reads_as_it_does_in_a_list(project: Project, server: Server) -> None:
    given: dict[str, Any] = {
        "env_vars": {"B": "sealed", "A": "sealed"},
        "config": {"stackName": "s"},
        "code": {"n-web": "sha256:1"},
    }
    with_much = factories.make_deployment(project, server, log_tail=["one", "two"], replicas={"n-web": 2}, **given)
    with_little = factories.make_deployment(project, server, at=factories.later(1))
    ids = [with_much.pk, with_little.pk]
    alone = tuple(deployments.get(deployment_id=each) for each in ids)
    assert alone == deployment_lists.in_order(ids)
    assert (alone[0].env_names, alone[0].log_tail, alone[0].replicas) == (("A", "B"), ("one", "two"), {"n-web": 2})
    assert alone[1].graph == project.graph_versions.get().graph


def fail(deployment_id: UUID) -> None:
    with transaction.atomic():
        deployments.advance(deployment_id=deployment_id, transition=Transition.FAIL, at=factories.NOW, outcome=FAILED)


def counted(selection: Selection) -> tuple[int, int]:
    return selection.total(), selection.rows().count()


@pytest.mark.parametrize("oldest_first", [False, True])
def test_every_page_is_exact_from_either_end(project: Project, server: Server, oldest_first: bool) -> None:
    made = make_many(project, server, 23)
    expected = made[::-1] if oldest_first else made
    selection = Selection(project_ids=(project.id,))
    for number in range(1, 6):
        page = deployment_lists.page_of(selection=selection, page=number, limit=5, oldest_first=oldest_first)
        assert [item.id for item in page.items] == expected[(number - 1) * 5 :][:5]
        assert (page.total, page.total_pages) == (23, 5)
    assert deployment_lists.page_of(selection=selection, page=10**9, limit=5).items == ()


@pytest.mark.parametrize("oldest_first", [False, True])
def test_following_a_position_reaches_every_row_once(project: Project, server: Server, oldest_first: bool) -> None:
    made = make_many(project, server, 14)
    caller = caller_of(project.owner)
    seen = list(lookups.list_deployments(caller=caller, limit=4, oldest_first=oldest_first).items)
    while True:
        after = Position(created_at=seen[-1].created_at, deployment_id=seen[-1].id)
        page = lookups.list_deployments(caller=caller, limit=4, after=after, oldest_first=oldest_first)
        if not page.items:
            break
        seen += page.items
    assert [item.id for item in seen] == (made[::-1] if oldest_first else made)


def test_counts_follow_every_writer(project: Project, server: Server) -> None:
    made = make_many(project, server, 6)
    fail(made[0])
    fail(made[1])
    Deployment.objects.filter(pk=made[2]).delete()
    everything = Selection(project_ids=None)
    assert counted(everything) == (5, 5)
    for status in Status:
        assert len(set(counted(Selection(project_ids=(project.id,), matching=DeploymentFilter(status=status))))) == 1
    assert counts.total(project_ids=(project.id,), status=Status.FAILED) == 2


@dataclass(frozen=True, kw_only=True)
class FilterWithMore(DeploymentFilter):
    """What a filter looks like after somebody added a field that no counter knows."""

    start_number: int | None = None


def test_a_filter_that_no_counter_knows_has_right_pages_and_totals(project: Project, server: Server) -> None:
    other = factories.make_project(project.owner, name="other")
    wanted = [
        factories.make_deployment(of, server, at=factories.later(second), start_number=second % 2).pk
        for second in range(12)
        for of in (project, other)
    ]
    expected = [pk for number, pk in enumerate(wanted) if (number // 2) % 2][::-1]
    for project_ids in (None, (project.id, other.id)):
        selection = Selection(project_ids=project_ids, matching=FilterWithMore(start_number=1))
        assert counted(selection) == (12, 12)
        pages_found = [deployment_lists.page_of(selection=selection, page=number, limit=5) for number in (1, 2, 3)]
        assert [page.total for page in pages_found] == [12] * 3
        assert sorted(item.id for page in pages_found for item in page.items) == sorted(expected)
        assert [len(page.items) for page in pages_found] == [5, 5, 2]
        assert pages.ids_at(selection, start=5, limit=5, total=None) == [item.id for item in pages_found[1].items]


def test_a_total_is_estimated_only_where_no_counter_knows_it(
    project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        factories.make_deployment(project, server, start_number=number % 2)
    assert Selection(project_ids=(project.id,)).total_or_estimate(exact_up_to=2) == 6
    uncounted = Selection(project_ids=(project.id,), matching=FilterWithMore(start_number=1))
    assert uncounted.total_or_estimate(exact_up_to=3) == 3
    for guess, total in ((1234, 1234), (1, 3)):
        monkeypatch.setattr(counts, "estimate", lambda _, guess=guess: guess)
        assert uncounted.total_or_estimate(exact_up_to=2) == total
    assert uncounted.total_or_estimate(exact_up_to=3) == 3


def test_what_is_rolled_back_is_not_counted(project: Project, server: Server) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        factories.make_deployment(project, server)
        raise ZeroDivisionError
    assert counts.total(project_ids=None, status=None) == 0


def test_folding_changes_no_total(project: Project, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_CHANGES", 3)
    for deployment_id in make_many(project, server, 4)[:3]:
        fail(deployment_id)
    assert (counts.fold(limit=10), counts.fold(limit=10)) == (1, 0)
    assert DeploymentCount.objects.count() == 2
    assert counts.total(project_ids=(project.id,), status=Status.FAILED) == 3
    assert counts.total(project_ids=None, status=None) == 4


@pytest.mark.django_db(transaction=True)
def test_writers_and_folders_at_once_lose_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_CHANGES", 2)
    owner = factories.make_user(f"owner-{uuid4().hex[:8]}")
    project, server = factories.make_project(owner), factories.make_server(owner)

    def work(turn: int) -> None:
        try:
            for _ in range(15):
                if turn % 2:
                    counts.fold(limit=5)
                else:
                    fail(factories.make_deployment(project, server).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert counted(Selection(project_ids=(project.id,), matching=DeploymentFilter(status=Status.FAILED))) == (45, 45)
    assert counted(Selection(project_ids=(project.id,))) == (45, 45)


@pytest.mark.parametrize("most_candidates", [0, pages.MAX_CANDIDATES])
def test_lists_over_several_projects_are_one_list(
    owner: User, stranger: User, server: Server, monkeypatch: pytest.MonkeyPatch, most_candidates: int
) -> None:
    monkeypatch.setattr(pages, "MAX_CANDIDATES", most_candidates)
    mine = [factories.make_project(owner, name=name) for name in ("one", "two", "three")]
    theirs = factories.make_project(stranger)
    made = [
        factories.make_deployment(project, server, at=factories.later(second)).pk
        for second in range(7)
        for project in (mine[second % 3], theirs)
    ][::2]
    page = lookups.list_deployments(caller=caller_of(owner), page=2, limit=3)
    assert [item.id for item in page.items] == made[::-1][3:6]
    assert page.total == 7
    fail(made[4])
    only = lookups.list_deployments(caller=caller_of(owner), matching=DeploymentFilter(status=Status.FAILED))
    assert ([item.id for item in only.items], only.total) == ([made[4]], 1)


def test_a_list_reads_no_more_files_than_its_bound_and_says_what_it_left_out(
    project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_lists, "MAX_LIST_BYTES", 100_000)
    random = Random(1)
    for number in range(4):
        text = "".join(random.choices("abcdefghijklmnop", k=80_000))
        factories.make_deployment(project, server, at=factories.later(number), config={"dockerComposeYml": text})
    newest, *others = lookups.list_deployments(caller=caller_of(project.owner), limit=10).items
    assert len(newest.config["dockerComposeYml"]) == 80_000
    assert [dict(each.config) for each in others] == [{"omitted": True}] * 3
    assert deployment_shape(others[0])["configOmitted"] is True
    assert deployment_shape(newest)["configOmitted"] is False
    whole = lookups.get_deployment(caller=caller_of(project.owner), deployment_id=others[0].id)
    assert len(deployment_shape(whole)["config"]["dockerComposeYml"]) == 80_000
