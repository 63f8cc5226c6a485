"""What may be cleaned up, decided without Docker: hosts and histories of any kind, and the cases that matter."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agents.runner.cleanup.needs import (
    KnownRelease,
    KnownStack,
    Patience,
    images_to_remove,
    leftovers,
    live_releases,
    needed_releases,
    needs_of,
)
from agents.runner.planning.model import HostContainer, HostImage

STACK, PROJECT = "axion-shop", "p"
STACKS = {PROJECT: frozenset({STACK})}


def release(name: str, *, base: str = "", owners: str = "", in_vain: bool = False) -> KnownRelease:
    return KnownRelease(
        deployment_id=name,
        base=base,
        owners=frozenset(owners.split()) or frozenset({name}),
        images=frozenset({f"id-{name}"}),
        tags=frozenset({f"axion/{STACK}-web:{name}"}),
        unsuccessful=in_vain,
    )


def memory(*releases: KnownRelease, current: str = "", working: str = "", retained: str = "") -> KnownStack:
    return KnownStack(
        name=STACK,
        project_id=PROJECT,
        releases=releases,
        current=current,
        working=frozenset(working.split()),
        retained=frozenset(retained.split()),
    )


def image(name: str, *tags: str, project_id: str = PROJECT, service: str = "web") -> HostImage:
    return HostImage(id=name, tags=tags, project_id=project_id, service=service)


FIVE = tuple(release(f"d{number}", base=f"d{number - 1}" if number > 1 else "") for number in range(1, 6))


def test_what_runs_what_it_replaced_and_what_history_keeps_stays() -> None:
    assert needed_releases(memory(*FIVE, current="d5", retained="d2 d5")) == {"d2", "d4", "d5"}


def test_what_history_may_not_have_heard_of_yet_stays_unless_it_failed() -> None:
    seven = (*FIVE, release("d6", base="d5", in_vain=True), release("d7", base="d5"))
    assert needed_releases(memory(*seven, current="d7", retained="d3")) == {"d3", "d5", "d7"}
    assert needed_releases(memory(*seven[:5], current="d5", retained="d3")) == {"d3", "d4", "d5"}


def test_what_is_at_work_keeps_what_it_would_go_back_to() -> None:
    six = (*FIVE, release("d6", base="d2"))
    assert needed_releases(memory(*six, current="d5", working="d6", retained="d5")) == {"d2", "d4", "d5", "d6"}


def test_files_that_an_unchanged_service_still_runs_by_stay() -> None:
    six = (*FIVE, release("d6", base="d5", owners="d1 d6"))
    assert needed_releases(memory(*six, current="d6", retained="d6")) == {"d1", "d5", "d6"}
    assert live_releases(memory(*six, current="d6", retained="d6")) == {"d1", "d6"}


def test_only_stopped_containers_of_our_own_past_are_left_over() -> None:
    gone = HostContainer(id="c", state="exited", image_id="i", stack=STACK, project_id=PROJECT, deployment_id="d2")
    known = memory(*FIVE, current="d5", retained="d2 d5")
    assert leftovers(containers=[gone], stacks=[known]) == (gone,)
    others = {
        "running": replace(gone, state="running"),
        "of what runs": replace(gone, deployment_id="d5"),
        "not by our overlay": replace(gone, deployment_id=""),
        "of a release that the journal does not know": replace(gone, deployment_id="lost"),
        "of another project": replace(gone, project_id="q"),
        "of another stack": replace(gone, stack="axion-other"),
        "somebody else's": replace(gone, stack="", project_id="", deployment_id=""),
    }
    assert leftovers(containers=others.values(), stacks=[known]) == ()
    assert leftovers(containers=[gone], stacks=[replace(known, working=frozenset({"d5"}))]) == ()


def test_an_image_that_somebody_tagged_or_built_upon_is_not_ours_any_more() -> None:
    ours = image("i", f"axion/{STACK}-web:1", f"axion/{STACK}-web:2")
    needs = needs_of([], retained_images=[])

    def removed(*images: HostImage, used: tuple[str, ...] = ()) -> tuple[HostImage, ...]:
        return images_to_remove(images=images, used=used, needs=needs, stacks=STACKS)

    assert removed(ours) == (ours,)
    assert removed(ours, used=("i",)) == ()
    assert removed(replace(ours, tags=(*ours.tags, "backup:1"))) == ()
    assert removed(replace(ours, tags=())) == ()
    assert removed(replace(ours, project_id="q")) == ()
    assert removed(replace(ours, tags=("axion/axion-other-web:1",))) == ()
    assert removed(image("r", f"127.0.0.1:5000/axion/{STACK}-web:1")) != ()


def test_a_node_knows_the_images_of_its_cluster_by_their_digests() -> None:
    digest, other = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
    pulled = HostImage(
        id="i", tags=(), project_id=PROJECT, service="web", digests=(f"registry:5000/team/{STACK}-web@{digest}",)
    )

    def removed(*images: HostImage, kept: tuple[str, ...] = (), used: tuple[str, ...] = ()) -> tuple[HostImage, ...]:
        needs = needs_of([], retained_images=kept)
        return images_to_remove(images=images, used=used, needs=needs, stacks=STACKS)

    assert removed(pulled) == (pulled,)
    assert removed(pulled, kept=(other,)) == (pulled,)
    assert removed(pulled, kept=(digest,)) == ()
    assert removed(pulled, used=("i",)) == ()
    # Under a name besides that is not ours, or of another stack or project.
    assert removed(replace(pulled, digests=(*pulled.digests, f"registry:5000/backup@{digest}"))) == ()
    assert removed(replace(pulled, tags=("backup:1",))) == ()
    assert removed(replace(pulled, digests=(f"registry:5000/team/axion-other-web@{digest}",))) == ()
    assert removed(replace(pulled, project_id="q")) == ()


def test_an_image_goes_once_every_look_found_it_useless_for_long_enough() -> None:
    patience = Patience(seconds=10.0)
    assert (patience.over({"a", "b"}, at=0.0), patience.waits) == (frozenset(), True)
    # One look in which it was of use begins anew.
    assert patience.over({"a"}, at=5.0) == frozenset()
    assert patience.over({"a", "b"}, at=10.0) == {"a"}
    assert patience.over({"b"}, at=19.0) == frozenset()
    assert patience.over({"b"}, at=20.0) == {"b"}
    assert (patience.over((), at=21.0), patience.waits) == (frozenset(), False)


NAMES = st.sampled_from([f"d{number}" for number in range(1, 8)])
MEMORIES = st.builds(
    lambda names, bases, vain, current, working, retained: memory(
        *(release(name, base=bases[at], in_vain=vain[at]) for at, name in enumerate(names)),
        current=current,
        working=" ".join(working),
        retained=" ".join(retained),
    ),
    names=st.lists(NAMES, unique=True, max_size=7),
    bases=st.lists(st.just("") | NAMES, min_size=7, max_size=7),
    vain=st.lists(st.booleans(), min_size=7, max_size=7),
    current=st.just("") | NAMES,
    working=st.sets(NAMES, max_size=2),
    retained=st.sets(NAMES, max_size=3),
)
IMAGES = st.lists(
    st.builds(
        lambda name, tags, project_id: image(name, *tags, project_id=project_id),
        name=st.sampled_from(["foreign", *(f"id-d{number}" for number in range(1, 8))]),
        tags=st.lists(
            st.sampled_from([f"axion/{STACK}-web:d{number}" for number in range(1, 8)] + ["x:1"]), max_size=3
        ),
        project_id=st.sampled_from([PROJECT, "q", ""]),
    ),
    max_size=12,
)


@given(known=MEMORIES, images=IMAGES, used=st.sets(st.sampled_from(["foreign", "id-d1", "id-d2"])))
def test_nothing_needed_used_or_foreign_is_ever_removed(
    known: KnownStack, images: list[HostImage], used: set[str]
) -> None:
    retained_images = {f"id-{name}" for name in known.retained}
    needs = needs_of([known], retained_images=retained_images)
    removed = images_to_remove(images=images, used=used, needs=needs, stacks=STACKS)
    for each in removed:
        assert each.project_id == PROJECT
        assert each.tags
        assert "x:1" not in each.tags
        assert each.id not in used | retained_images
        for name in {known.current, *known.working} & {each.deployment_id for each in known.releases}:
            assert each.id != f"id-{name}"
            assert f"axion/{STACK}-web:{name}" not in each.tags
    assert {known.current, *known.working, *known.retained} - {""} <= needed_releases(known)
