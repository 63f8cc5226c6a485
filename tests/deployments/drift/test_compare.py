"""What differs between what was deployed and what is there: a table of what people do, and what always holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.repositories.observation.stack_drifts import (
    difference_from_json,
    difference_to_json,
    meant_from_json,
    meant_to_json,
)
from deployments.rules.drift import (
    SETTINGS,
    Comparison,
    Difference,
    MeantSetup,
    carry_over,
    compare,
    digest_of,
    keep_meant,
)
from deployments.rules.observed import ObservedContainer

SETUP: dict[str, str] = {"key": "1:abc", **{str(aspect): f"{aspect}-hash" for aspect in SETTINGS}}
SHOWN = {"networks": "p_default", "limits": "Memory 64 MiB", "ports": "none", "mounts": "none", "restart": "always"}
WEB = MeantSetup(name="web", node_id="n-web", copies=2, image="sha256:web", settings=SETUP, shown=SHOWN)
DB = MeantSetup(name="db", node_id="n-db", copies=1, image="sha256:db", settings=SETUP, shown=SHOWN)
MEANT = (WEB, DB)


def container(service: str, number: int = 1, **facts: Any) -> ObservedContainer:
    settings = {**SETUP, **facts.pop("settings", {})}
    shown = {**SHOWN, **facts.pop("shown", {})}
    usual: dict[str, Any] = {
        "id": f"{service}{number}",
        "name": f"p-{service}-{number}",
        "service": service,
        "stack": "p",
        "state": "running",
        "health": "healthy",
        "image": f"sha256:{service}",
        "restarts_itself": True,
    }
    return ObservedContainer(
        **{**usual, **facts}, settings=tuple(sorted(settings.items())), shown=tuple(sorted(shown.items()))
    )


ALL = (container("web"), container("web", 2), container("db"))


def aspects(found: Comparison) -> list[tuple[str, str]]:
    return [(each.service, str(each.aspect)) for each in found.differences]


def test_nothing_differs_from_what_was_proven() -> None:
    assert compare(meant=MEANT, containers=ALL) == Comparison(differences=())


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        (ALL[:2], [("db", "missing")]),
        ((), [("web", "missing"), ("db", "missing")]),
        ((*ALL, container("web", 3)), [("web", "extra")]),
        ((*ALL, container("intruder")), [("intruder", "extra")]),
        ((*ALL[:2], container("db", state="exited")), [("db", "state")]),
        ((*ALL[:2], container("db", state="paused")), [("db", "state")]),
        # Whether it comes up is a matter of its state, not of what somebody changed.
        ((*ALL[:2], container("db", state="restarting")), []),
        ((*ALL[:2], container("db", health="unhealthy")), []),
        ((*ALL[:2], container("db", image="sha256:other")), [("db", "image")]),
        ((*ALL[:2], container("db", name="renamed")), [("db", "name")]),
        *[((*ALL[:2], container("db", settings={aspect: "other"})), [("db", str(aspect))]) for aspect in SETTINGS],
    ],
)
def test_what_people_do(containers: tuple[ObservedContainer, ...], expected: list[tuple[str, str]]) -> None:
    assert aspects(compare(meant=MEANT, containers=containers)) == expected


def test_it_says_what_was_meant_and_what_is_there_where_nothing_is_secret() -> None:
    changed = container("db", settings={"limits": "x"}, shown={"limits": "Memory 300 MiB"})
    (limits,) = compare(meant=MEANT, containers=(*ALL[:2], changed)).differences
    assert (limits.meant, limits.there) == ("Memory 64 MiB", "Memory 300 MiB")
    secret = container("db", settings={"env": "0123456789abcdef"})
    (env,) = compare(meant=MEANT, containers=(*ALL[:2], secret)).differences
    assert (env.meant, env.there) == ("the deployed one (env-hash)", "changed (01234567)")


def test_who_cannot_know_says_so_and_compares_the_rest() -> None:
    """An older agent's proof, or one whose key is another by now."""
    unknown = replace(DB, settings={}, shown={})
    found = compare(meant=(WEB, unknown), containers=(*ALL[:2], container("db", image="sha256:x")))
    assert (aspects(found), found.unknown) == ([("db", "image")], ("db",))
    other_key = container("db", settings={**dict.fromkeys(SETTINGS, "other"), "key": "1:xyz"})
    assert compare(meant=MEANT, containers=(*ALL[:2], other_key)) == Comparison(differences=(), unknown=("db",))


def test_one_that_ended_by_itself_is_nobodys_change() -> None:
    ended = container("db", state="exited", restarts_itself=False)
    stopped = container("db", state="exited")
    assert [each.by_people for each in compare(meant=(DB,), containers=(ended,)).differences] == [False]
    assert [each.by_people for each in compare(meant=(DB,), containers=(stopped,)).differences] == [True]


def test_a_stranger_outside_of_the_stack_is_not_ours_to_remove() -> None:
    inside, outside = container("x"), container("y", stack="", name="y")
    found = compare(meant=(), containers=(inside, outside)).differences
    assert {each.service: each.repairable for each in found} == {"x": True, "y": False}


CHANGES: tuple[Callable[[ObservedContainer], ObservedContainer | None], ...] = (
    lambda each: each,
    lambda _: None,
    lambda each: replace(each, state="exited"),
    lambda each: replace(each, image="sha256:other"),
    lambda each: replace(each, name="renamed"),
    lambda each: replace(each, service="stranger"),
    *(
        lambda each, aspect=aspect: replace(each, settings=tuple(sorted({**SETUP, aspect: "other"}.items())))
        for aspect in SETTINGS
    ),
)
pictures = st.lists(st.sampled_from(CHANGES), min_size=3, max_size=3).map(
    lambda changes: [new for change, each in zip(changes, ALL, strict=True) if (new := change(each)) is not None]
)


@given(pictures, st.randoms())
def test_the_order_of_the_containers_is_nothing(picture: list[ObservedContainer], random: Any) -> None:
    shuffled = list(picture)
    random.shuffle(shuffled)
    assert compare(meant=MEANT, containers=shuffled) == compare(meant=MEANT, containers=picture)


@given(pictures)
def test_it_differs_exactly_when_something_was_changed(picture: list[ObservedContainer]) -> None:
    found = compare(meant=MEANT, containers=picture)
    assert bool(found.differences) == (set(picture) != set(ALL))
    assert found.unknown == ()


@given(pictures, pictures)
def test_a_digest_names_exactly_what_differs(one: list[ObservedContainer], other: list[ObservedContainer]) -> None:
    first, second = (compare(meant=MEANT, containers=each).differences for each in (one, other))
    same = {(each.key, each.mark) for each in first} == {(each.key, each.mark) for each in second}
    assert (digest_of(first) == digest_of(second)) == same
    assert digest_of(first) == digest_of(tuple(reversed(first)))


@given(pictures, pictures)
def test_since_when_and_left_last_until_it_changes(
    one: list[ObservedContainer], other: list[ObservedContainer]
) -> None:
    before = carry_over(new=compare(meant=MEANT, containers=one).differences, old=(), now_ms=1)
    left = tuple(replace(each, left_by="ann") for each in before)
    after = carry_over(new=compare(meant=MEANT, containers=other).differences, old=left, now_ms=2)
    known = {(each.key, each.mark) for each in before}
    for each in after:
        expected = (1, "ann") if (each.key, each.mark) in known else (2, "")
        assert (each.since_ms, each.left_by) == expected
    back = carry_over(new=compare(meant=MEANT, containers=one).differences, old=(), now_ms=3)
    assert all((each.since_ms, each.left_by) == (3, "") for each in back)


@given(pictures)
def test_what_is_stored_comes_back(picture: list[ObservedContainer]) -> None:
    found = compare(meant=MEANT, containers=picture).differences
    assert tuple(difference_from_json({**difference_to_json(each), "newer": 1}) for each in found) == found
    assert all(isinstance(each, Difference) for each in found)
    assert meant_from_json({**meant_to_json(WEB), "newer": 1}) == WEB


def test_a_change_on_the_host_never_becomes_what_is_meant() -> None:
    """A deployment that leaves a service alone sees it as somebody changed it: what was meant of it stays."""
    changed = replace(WEB, content_hash="h", settings={**SETUP, "env": "changed"})
    meant = replace(WEB, content_hash="h")
    assert keep_meant(former={"web": meant}, proven=changed, started=False) == meant
    assert keep_meant(former={"web": meant}, proven=changed, started=True) == changed
    other_content = replace(changed, content_hash="new")
    assert keep_meant(former={"web": meant}, proven=other_content, started=False) == other_content
    assert keep_meant(former={}, proven=changed, started=False) == changed
    new_key = replace(changed, settings={**changed.settings, "key": "1:new"})
    assert keep_meant(former={"web": meant}, proven=new_key, started=False) == new_key
