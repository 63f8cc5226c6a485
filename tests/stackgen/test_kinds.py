"""Every kind of database has all that stackgen/README.md asks of one; what fails here names the place to go to."""

from __future__ import annotations

import pytest

from stackgen.compose_import.becoming.stores import IMAGES
from stackgen.databases.known import KINDS
from stackgen.references import parse_reference
from tests.servers.places import REPOSITORY
from tests.stackgen.docker.sign_ins import PROGRAMS, QUESTIONS
from tests.stackgen.kinds import (
    SERVICES_IN_COMPOSE,
    STAND_INS,
    WITHOUT_STAND_IN,
    golden_graph,
    kinds_in_code,
    stand_in_of,
    stand_ins,
)
from tests.stackgen.test_golden import GOLDEN

UPDATE = "run `UPDATE_GOLDEN=1 make test ARGS=tests/stackgen/test_golden.py` and read the diff before you commit it"
IN_CODE = kinds_in_code()


@pytest.mark.parametrize("name", sorted(IN_CODE))
def test_each_kind_is_listed(name: str) -> None:
    assert name in KINDS, f"{name} is not listed: add it to KINDS in stackgen/databases/known.py"


@pytest.mark.parametrize("name", sorted(IN_CODE))
def test_each_kind_has_its_golden_case(name: str) -> None:
    expected = (GOLDEN / "databases" / "expected" / "docker-compose.yml").read_text()
    assert f"axion.node: {name}\n" in expected, f"tests/golden/databases has no {name}: {UPDATE}"


def test_the_golden_graph_has_exactly_the_kinds() -> None:
    graph = (GOLDEN / "databases" / "graph.json").read_text()
    assert graph == golden_graph(), f"tests/golden/databases/graph.json is not that of the kinds: {UPDATE}"


@pytest.mark.parametrize("name", sorted(IN_CODE))
def test_each_kind_has_a_stand_in_image_or_the_reason_why_not(name: str) -> None:
    stage = stand_in_of(IN_CODE[name])
    where = f"a stage `FROM debian-stage AS {stage}` in {STAND_INS.relative_to(REPOSITORY)}"
    assert (stage in stand_ins()) or name in WITHOUT_STAND_IN, (
        f"{name} cannot be tried where no registry answers: add {where}, or {name} with the reason to "
        "WITHOUT_STAND_IN in tests/stackgen/kinds.py"
    )
    assert not (stage in stand_ins() and name in WITHOUT_STAND_IN), (
        f"{name} has {where}: remove it from WITHOUT_STAND_IN"
    )


@pytest.mark.parametrize("name", sorted(IN_CODE))
def test_each_kind_with_a_password_is_signed_in_to(name: str) -> None:
    assert not IN_CODE[name].has_password or name in {*QUESTIONS, *PROGRAMS}, (
        f"nobody tries the password of {name}: add how its client asks to QUESTIONS, or a program to PROGRAMS, in "
        "tests/stackgen/docker/sign_ins.py"
    )


@pytest.mark.parametrize("name", sorted(IN_CODE))
def test_each_kind_is_known_in_compose_files_or_has_the_reason_why_not(name: str) -> None:
    known = parse_reference(IN_CODE[name].image).path in IMAGES
    assert known or name in SERVICES_IN_COMPOSE, (
        f"a Compose file cannot bring {name}: add its image to IMAGES and how people sign in to _SIGNS in "
        "stackgen/compose_import/becoming/stores.py, or the reason to SERVICES_IN_COMPOSE in tests/stackgen/kinds.py"
    )
    assert not (known and name in SERVICES_IN_COMPOSE), f"{name} is known: remove it from SERVICES_IN_COMPOSE"


def test_nothing_is_kept_for_kinds_that_are_gone() -> None:
    assert {*QUESTIONS, *PROGRAMS, *WITHOUT_STAND_IN, *SERVICES_IN_COMPOSE} <= KINDS.keys()
