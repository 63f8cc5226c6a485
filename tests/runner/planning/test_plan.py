"""The plan: wanted and observed in, text out. No Docker."""

from __future__ import annotations

from dataclasses import replace

from agents.runner.planning.differences import owners_of
from agents.runner.planning.model import Container, Release, Target, WantedService
from agents.runner.planning.plan import Plan, make_plan
from agents.runner.planning.steps import Operation, take_ready

SERVICES = (
    WantedService(name="db", image="db:1", content_hash="db1"),
    WantedService(name="cache", image="cache:1", content_hash="cache1"),
    WantedService(name="web", image="web:1", content_hash="web1", level=1),
)
RELEASE = Release(deployment_id="d2", project_id="p", stack="axion-shop", files={}, services=SERVICES)


def container(service: str, **changes: object) -> Container:
    sound = Container(
        id=f"c-{service}",
        service=service,
        state="running",
        health="healthy",
        image_id=f"sha256:{service}",
        content_hash=f"{service}1",
        deployment_id="d1",
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


ALL = (container("cache"), container("db"), container("web"))


def plan_text(
    *, observed: tuple[Container, ...], release: Release = RELEASE, owners: dict[str, str] | None = None
) -> str:
    return plan_of(observed=observed, release=release, owners=owners).text()


def plan_of(
    *,
    observed: tuple[Container, ...],
    release: Release = RELEASE,
    owners: dict[str, str] | None = None,
    known: tuple[str, ...] = ("d1",),
) -> Plan:
    images = {service.name: f"sha256:{service.name}" for service in release.services}
    chosen = owners if owners is not None else owners_of(release=release, observed=observed, known=known)
    return make_plan(target=Target(services=release.services, owners=chosen, images=images), observed=observed)


def first(**changes: object) -> Release:
    """web may start beside its old copies."""
    return replace(RELEASE, services=(*SERVICES[:2], replace(SERVICES[2], starts_first=True, **changes)))  # type: ignore[arg-type]


def test_each_starts_when_what_it_needs_is_there_and_not_when_a_level_is() -> None:
    assert plan_text(observed=()) == (
        "1. up db, cache: db is not there; cache is not there\n2. up web: web is not there\n"
    )
    needy = (
        *SERVICES[:2],
        replace(SERVICES[2], needs=("db",)),
        WantedService(name="page", image="page:1", level=2, needs=("web", "cache")),
        # Of its own level, which is a circle, and a job, which has needs of its own.
        WantedService(name="tail", image="tail:1", level=2, needs=("page", "db")),
        WantedService(name="late", image="late:1", level=2, needs=("migrate",)),
    )
    fresh = plan_of(observed=(), release=replace(RELEASE, services=needy)).operations
    assert {one.services: set(one.needs) for one in fresh} == {
        ("db", "cache"): set(),
        ("web", "tail"): {"db"},
        ("page",): {"cache", "web"},
        ("late",): {"cache", "db", "web"},
    }
    # What runs on hands down what it needs itself.
    observed = (container("web"), container("cache"))
    partly = plan_of(observed=observed, release=replace(RELEASE, services=needy[:4])).operations
    assert [(one.services, one.needs) for one in partly] == [(("db",), ()), (("page",), ("db",))]


def test_all_that_is_replaced_is_one_call_that_stops_everything_first() -> None:
    old = tuple(replace(each, content_hash="old") for each in ALL)
    operations = plan_of(observed=old).operations
    assert [(one.services, one.alone) for one in operations] == [(("db", "cache", "web"), False)]


def test_what_is_ready_together_is_one_call() -> None:
    def up(name: str, *needs: str, release: str = "d2", kind: str = "up") -> Operation:
        return Operation(
            kind=kind, services=(name,), causes=(name,), needs=needs, release=release, copies={name: len(name)}
        )

    waiting = (up("web", "db"), up("cache"), up("page", release="d1"), up("queue"), up("api", kind="add"))
    operation, rest = take_ready(waiting, is_ready=lambda each: not each.needs)
    assert operation is not None
    assert (operation.services, operation.causes) == (("cache", "queue"), ("cache", "queue"))
    assert operation.copies == {"cache": 5, "queue": 5}
    assert rest == (waiting[0], waiting[2], waiting[4])
    assert take_ready(rest, is_ready=lambda _: False) == (None, rest)


def test_nothing_changed_is_no_operation() -> None:
    assert plan_text(observed=ALL) == "keep db, cache, web: unchanged and running\n"


def test_only_what_changed_is_touched_level_by_level() -> None:
    observed = (container("cache"), container("db", content_hash="old"), container("web", content_hash="old"))
    assert plan_text(observed=observed) == (
        "1. up db: db changed\n2. up web: web changed\nkeep cache: unchanged and running\n"
    )


def test_what_stopped_or_is_unhealthy_comes_up_again() -> None:
    observed = (container("cache", state="exited"), container("db", health="unhealthy"), container("web"))
    assert plan_text(observed=observed) == (
        "1. up db, cache: db is unhealthy; cache is exited\nkeep web: unchanged and running\n"
    )


def test_a_missing_replica_is_a_change() -> None:
    doubled = replace(RELEASE, services=(replace(SERVICES[0], replicas=2), *SERVICES[1:]))
    plan = plan_of(observed=ALL, release=doubled)
    assert plan.text() == "1. add db: db has 1 of 2 containers\nkeep cache, web: unchanged and running\n"
    # By the files of the copy that stays, so that all are of one kind; by our own where those are gone.
    assert (plan.operations[0].release, plan.operations[0].copies) == ("d1", {"db": 2})
    assert plan_of(observed=ALL, release=doubled, known=()).operations[0].release == "d2"


def test_of_too_many_copies_the_oldest_sound_ones_stay() -> None:
    copies = (
        container("web", id="w1", number=1, health="starting"),
        container("web", id="w2", number=2),
        container("web", id="w3", number=3),
    )
    plan = plan_of(observed=(container("cache"), container("db"), *copies), release=first(replicas=2))
    assert plan.text() == "1. retire web: web has 3 of 2 containers\nkeep db, cache: unchanged and running\n"
    assert plan.leaving == {"w3"}


def test_the_new_copy_starts_beside_the_old_one_that_leaves_last() -> None:
    observed = (*ALL[:2], container("web", content_hash="old"))
    plan = plan_of(observed=observed, release=first())
    assert plan.text() == (
        "1. add web: web changed\n2. retire web: web is replaced\nkeep db, cache: unchanged and running\n"
    )
    assert plan.operations[0].copies == {"web": 2}
    assert plan.leaving == {"c-web"}


def all_first() -> Release:
    return replace(RELEASE, services=tuple(replace(service, starts_first=True) for service in SERVICES))


def test_what_serves_all_the_while_holds_nobody_up() -> None:
    old = tuple(replace(each, content_hash="old") for each in ALL)
    started = [one for one in plan_of(observed=old, release=all_first()).operations if one.kind == "add"]
    assert [one.services for one in started] == [("db", "cache", "web")]


def test_what_serves_badly_is_waited_for() -> None:
    old = tuple(replace(each, content_hash="old") for each in ALL)
    for health in ("unhealthy", "starting"):
        observed = (old[0], replace(old[1], health=health), old[2])
        started = [one for one in plan_of(observed=observed, release=all_first()).operations if one.kind == "add"]
        assert [one.services for one in started] == [("db", "cache"), ("web",)], health


def test_new_copies_wait_for_what_they_need_and_what_stops_first() -> None:
    old = tuple(replace(each, content_hash="old") for each in ALL)
    assert plan_text(observed=old, release=first()) == (
        "1. up db, cache: db changed; cache changed\n2. add web: web changed\n3. retire web: web is replaced\n"
    )


def test_an_interrupted_switch_goes_on_where_it_was() -> None:
    old = container("web", content_hash="old")
    new = container("web", id="c-new", deployment_id="d2")
    half = replace(new, id="c-half", state="created")
    kept = "keep db, cache: unchanged and running\n"
    assert plan_text(observed=(*ALL[:2], old, new), release=first()) == f"1. retire web: web is replaced\n{kept}"
    assert plan_text(observed=(*ALL[:2], old, half), release=first()) == (
        f"1. remove web: web was only half made\n2. add web: web changed\n3. retire web: web is replaced\n{kept}"
    )
    gone = replace(old, state="exited")
    assert plan_text(observed=(*ALL[:2], gone, new), release=first()) == (
        "1. remove web: web does not run\nkeep db, cache, web: unchanged and running\n"
    )


def test_going_back_in_the_middle_of_a_switch_starts_nothing() -> None:
    new = container("web", id="c-new", deployment_id="d2", content_hash="new")
    owners = {service.name: "d1" for service in SERVICES}
    plan = plan_of(observed=(*ALL, new), release=first(), owners=owners)
    assert plan.text() == "1. retire web: web is replaced\nkeep db, cache: unchanged and running\n"
    assert plan.leaving == {"c-new"}


def test_what_left_the_graph_goes_first_only_when_it_holds_what_others_may_need() -> None:
    rest = "keep db, cache, web: unchanged and running\n"
    changed = (container("cache"), container("db"), container("web", content_hash="old"))
    assert (
        plan_text(observed=(*ALL, container("mail"))) == f"1. retire mail: mail is no longer part of the stack\n{rest}"
    )
    assert plan_text(observed=(*changed, container("mail"))).splitlines()[:2] == [
        "1. up web: web changed",
        "2. retire mail: mail is no longer part of the stack",
    ]
    assert plan_text(observed=(*changed, container("mail", exclusive=True))).splitlines()[:2] == [
        "1. remove mail: mail is no longer part of the stack",
        "2. up web: web changed",
    ]


def test_of_old_and_new_side_by_side_only_the_wanted_one_stays() -> None:
    new = container("db", id="c-new", deployment_id="d2", state="created", content_hash="db2")
    observed = (*ALL, new)
    back = {service.name: "d1" for service in SERVICES}
    assert plan_text(observed=observed, owners=back) == (
        "1. remove db: db was only half made\nkeep db, cache, web: unchanged and running\n"
    )
    forward = replace(RELEASE, services=(replace(SERVICES[0], content_hash="db2"), *SERVICES[1:]))
    assert plan_text(observed=observed, release=forward) == (
        "1. remove db: db was only half made\n2. up db: db changed\nkeep cache, web: unchanged and running\n"
    )
    running = (*ALL, replace(new, state="running"))
    assert plan_text(observed=running, release=forward) == (
        "1. remove db: db was left over by an interrupted change\nkeep db, cache, web: unchanged and running\n"
    )


def test_force_touches_everything_once() -> None:
    forced = replace(RELEASE, force=True)
    assert plan_text(observed=ALL, release=forced).startswith("1. up db, cache, web: ")
    done = tuple(replace(each, deployment_id="d2") for each in ALL)
    assert plan_text(observed=done, release=forced) == "keep db, cache, web: unchanged and running\n"


def test_after_a_crash_only_the_rest_is_done() -> None:
    observed = (container("cache", deployment_id="d2"), container("db", deployment_id="d2", state="created"))
    assert plan_text(observed=observed) == (
        "1. remove db: db was only half made\n2. up db: db is not there\n3. up web: web is not there\n"
        "keep cache: unchanged and running\n"
    )


def test_going_back_uses_the_files_each_service_came_from() -> None:
    owners = {"db": "d0", "cache": "d1", "web": "d1"}
    observed = tuple(replace(each, deployment_id="d2") for each in ALL)
    plan = make_plan(target=Target(services=SERVICES, owners=owners, images={}), observed=observed)
    assert [(operation.release, operation.services) for operation in plan.operations] == [
        ("d0", ("db",)),
        ("d1", ("cache",)),
        ("d1", ("web",)),
    ]


def test_another_image_under_the_same_hash_is_put_right() -> None:
    owners = {service.name: "d1" for service in SERVICES}
    observed = (container("cache"), container("db", image_id="sha256:other"), container("web"))
    assert plan_text(observed=observed, owners=owners).startswith("1. up db: db runs another image\n")
