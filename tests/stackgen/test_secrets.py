"""Secret values leave the graph before it is stored, and come back only through variables."""

from __future__ import annotations

import json

import pytest

from stackgen.errors import GraphInvalid
from stackgen.graph.reader import parse_graph
from stackgen.graph.secrets import split_secrets
from stackgen.parts.variables import VariablesMissing, resolve
from tests.stackgen.graphs import DATABASE, compose_of, graph, node, stack_of, web

RAW = graph(
    web("api", secret__API_KEY="hush-1", env__COLOUR="red$blue"),
    node("db", DATABASE, databaseType="postgresql", password="hush-2"),
    node("cache", DATABASE, databaseType="redis"),
    edges=["api db", "api cache"],
)
KEPT = {"api.secret.API_KEY": "hush-1", "db.password": "hush-2"}


def test_values_are_taken_out_and_leave_a_mark() -> None:
    before = json.dumps(RAW)
    split = split_secrets(RAW)
    assert split.values == KEPT
    assert "hush" not in json.dumps(split.graph)
    assert json.dumps(RAW) == before
    assert parse_graph(split.graph).nodes[0].config["secret.API_KEY"] == ""
    assert split_secrets(split.graph).values == {}


def test_a_password_of_two_lines_is_refused() -> None:
    with pytest.raises(GraphInvalid) as caught:
        split_secrets(graph(node("db", DATABASE, databaseType="redis", password="hush\nx")))
    assert [problem.field for problem in caught.value.problems] == ["config.password"]
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "item", [node("db", DATABASE, databaseType="rabbit", password="é"), node("db", "queue", password="é")]
)
def test_a_password_that_its_server_would_take_for_another_is_refused(item: dict[str, object]) -> None:
    with pytest.raises(GraphInvalid) as caught:
        split_secrets(graph(item))
    assert [problem.field for problem in caught.value.problems] == ["config.password"]
    assert "é" not in str(caught.value)


def test_other_servers_take_any_sign() -> None:
    items = node("a", DATABASE, databaseType="postgres", password="é"), node("b", "queue", password="e$")
    assert split_secrets(graph(*items)).values == {"a.password": "é", "b.password": "e$"}


@pytest.mark.parametrize("raw", [{}, {"nodes": 1}, {"nodes": [1, {}, {"data": 1}, {"data": {"config": 1}}]}])
def test_nonsense_passes_through_to_whoever_judges_it(raw: dict[str, object]) -> None:
    assert split_secrets(raw).graph == raw


def test_variables_say_where_their_values_come_from() -> None:
    stack = stack_of(RAW, env_names=["TOKEN"])
    kinds = {variable.name: (variable.kind, variable.source, variable.key) for variable in stack.variables}
    assert kinds == {
        "ENV_TOKEN": ("supplied", "env", "TOKEN"),
        "SECRET_API_API_KEY": ("supplied", "secret", "api.secret.API_KEY"),
        "SECRET_DB_PASSWORD": ("supplied", "secret", "db.password"),
        "SECRET_DB_PASSWORD_URLENCODED": ("derived", "variable", "SECRET_DB_PASSWORD"),
        "SECRET_CACHE_PASSWORD": ("generated", "secret", "cache.password"),
        "SECRET_CACHE_PASSWORD_URLENCODED": ("derived", "variable", "SECRET_CACHE_PASSWORD"),
    }
    values = resolve(stack=stack, env={"TOKEN": "t"}, secrets={**KEPT, "cache.password": "a/b c"})
    assert values["SECRET_CACHE_PASSWORD_URLENCODED"] == "a%2Fb%20c"
    assert set(values) == set(kinds)


def test_all_missing_values_are_named() -> None:
    with pytest.raises(VariablesMissing) as caught:
        resolve(stack=stack_of(RAW, env_names=["TOKEN"]), env={}, secrets=KEPT)
    # What only repeats another value is nobody's to give.
    assert set(caught.value.names) == {"ENV_TOKEN", "SECRET_CACHE_PASSWORD"}


def test_two_fields_that_want_one_variable_get_two() -> None:
    stack = stack_of(graph(web("a", secret__B_C="1"), web("a-b", secret__C="2")))
    assert len({variable.name for variable in stack.variables}) == 2
    environments = [service["environment"] for service in compose_of(stack)["services"].values()]
    assert environments[0]["B_C"] != environments[1]["C"]


def test_no_variable_can_steer_the_program_that_reads_it() -> None:
    raw = graph(web("docker", secret__HOST="x"), web("b"))
    stack = stack_of(raw, env_names=["PATH", "DOCKER_HOST", "COMPOSE_FILE"])
    assert len(stack.variables) == 4
    assert all(variable.name.startswith(("ENV_", "SECRET_")) for variable in stack.variables)
