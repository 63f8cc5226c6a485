"""What no kept version needs goes from a real registry, and nothing else; where nothing may go, that is told once."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from agents.runner.commands.swarm.registry_cleanup import clean_registry
from agents.runner.planning.codec import release_of
from tests.runner.registries.conftest import run
from tests.runner.registries.projects import CodeProject
from tests.runner.registries.works import Works, clean, digest, tags_of
from tests.servers.own_registry import PASSWORD, USER, OwnRegistry, find_program

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none"),
]
V1, V2, V3, V4 = (str(number) * 16 for number in range(1, 5))


def test_only_what_nothing_needs_goes(
    near_works: Works, near: OwnRegistry, project: CodeProject, tmp_path: Path
) -> None:
    works = near_works
    first, second, third = (works.publish(project.version(tag)) for tag in (V1, V2, V3))
    gone = works.publish(project.version(V1, service="gone"))
    # Under the same name another project's, as of another installation that shares the registry.
    works.publish(project.version(V4, project_id=str(uuid4())))
    runs = project.version("5" * 16)
    published = works.publish(runs)
    # Somebody gave the second one a name of their own.
    reference = f"{near.address}/{project.repository()}"
    client = ["docker", "--config", str(tmp_path / "client")]
    run([*client, "login", "--username", USER, "--password-stdin", near.address], given=PASSWORD)
    run([*client, "tag", f"{reference}:{V2}", f"{reference}:stable"])
    run([*client, "push", "--quiet", f"{reference}:stable"])

    told = clean(works, project.version("5" * 16), published, digest(third), services=("gone", "never"))
    assert tags_of(near, project.repository(), tmp_path) == {V2, "stable", V3, V4, "5" * 16}
    assert tags_of(near, project.repository("gone"), tmp_path) == set()
    assert told.endswith(f"deleted from the registry {near.address}: 2.\n")
    assert digest(first) not in told
    # Without a word of what history needs everything stays.
    again = project.version("5" * 16)
    clean_registry(work=works.on(again), release=release_of(again), images=published)
    assert tags_of(near, project.repository(), tmp_path) == {V2, "stable", V3, V4, "5" * 16}
    assert digest(second) != digest(gone)


def test_a_registry_that_deletes_nothing_is_named_once_and_fails_nothing(
    near_works: Works, near: OwnRegistry, project: CodeProject, tmp_path: Path
) -> None:
    works = near_works
    works.publish(project.version(V1))
    published = works.publish(project.version(V2))
    near.stop()
    near.deletes = False
    near.start()
    try:
        told = [clean(works, project.version(V2), published) for _ in range(2)]
    finally:
        near.stop()
        near.deletes = True
        near.start()
    assert f"Old images stay in the registry {near.address}: It allows no deletion." in told[0]
    assert told[1] == ""
    assert tags_of(near, project.repository(), tmp_path) == {V1, V2}
    # Once it does, that is noticed, and told anew if it ever ends.
    assert clean(works, project.version(V2), published).endswith(": 1.\n")
    assert tags_of(near, project.repository(), tmp_path) == {V2}


def test_a_registry_that_is_away_fails_nothing(near_works: Works, near: OwnRegistry, project: CodeProject) -> None:
    published = near_works.publish(project.version(V1))
    near.stop()
    try:
        assert clean(near_works, project.version(V1), published) == ""
    finally:
        near.start()
