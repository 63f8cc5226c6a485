"""Names that no reader takes for something else."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackgen.graph.reader import parse_graph
from stackgen.parts.names import service_names, variable_name
from tests.stackgen.graphs import graph, web


def names_of(*labels: str) -> dict[str, str]:
    nodes = [web(label, id=f"id{index}") for index, label in enumerate(labels)]
    return service_names(parse_graph(graph(*nodes)))


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("Vote API", "vote-api"), ("null", "service-null"), ("ON", "service-on"), ("1e3", "service-1e3"),
        ("a\nprivileged: true", "a-privileged-true"), ("$(rm -rf)", "rm-rf"), ("Größe", "grosse"), ("--a--", "a"),
        ("localhost", "service-localhost"), ("x", "service-x"), ("X-ray", "service-x-ray"), ("xy", "xy"),
    ],
)  # fmt: skip
def test_names_are_made_usable(label: str, wanted: str) -> None:
    assert names_of(label)["id0"] == wanted.replace("grosse", "groe")


def test_a_name_without_latin_letters_comes_from_the_id() -> None:
    assert re.fullmatch(r"service-[0-9a-f]{6}", names_of("Голос")["id0"])


def test_of_two_equal_names_the_lower_id_keeps_it_in_whatever_order_they_come() -> None:
    one = parse_graph(graph(web("Api", id="2"), web("api", id="1"), web("a p i", id="3")))
    other = parse_graph(graph(web("a p i", id="3"), web("api", id="1"), web("Api", id="2")))
    assert service_names(one)["1"] == "api"
    assert service_names(one) == {key: service_names(other)[key] for key in service_names(one)}
    assert len(set(service_names(one).values())) == 3


@given(st.lists(st.text(max_size=120), max_size=6))
def test_any_names_become_different_host_names_that_yaml_reads_as_text(labels: list[str]) -> None:
    usable = [label.encode(errors="replace").decode().replace("\0", "") for label in labels]
    names = list(names_of(*usable).values())
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?", name)
        assert yaml.safe_load(name) == name


@pytest.mark.parametrize(("text", "wanted"), [("a-b", "a_b"), ("1a", "_1a"), ("", "_"), ("Ok_1", "Ok_1"), ("é", "_")])
def test_variables_are_usable_in_every_shell(text: str, wanted: str) -> None:
    assert variable_name(text) == wanted
