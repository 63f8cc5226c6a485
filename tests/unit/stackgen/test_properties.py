"""Whatever is drawn: Docker accepts the files, order and reach follow the edges, and no secret shows."""

from __future__ import annotations

import contextlib
import json
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stackgen.databases.known import KINDS
from stackgen.errors import GraphInvalid
from stackgen.graph import parse_graph
from stackgen.results import StackOptions
from tests.unit.stackgen.docker import judge, needs_compose
from tests.unit.stackgen.drawing import DATABASE, GATEWAY, compose_of, graph, node, stack_of

PLANTED = "planted-Sesame"
# Each judgement is a process: making a counterexample smaller would take minutes.
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NASTY = st.sampled_from([
    "null", "on", "1e3", "голос", "x" * 90, "a\nprivileged: true", "${HOME}", "$(id)", "a b", "", "-", "localhost",
    "db", "DB", "x", "X", "'\"", "a: b", "../x", "😀",
])  # fmt: skip
NAMES = TEXT | NASTY
OPTIONAL = {
    "replicas": st.sampled_from(["1", "2"]), "cpu": st.sampled_from(["0.5", "250m"]), "memory": st.just("64Mi"),
    "healthPath": st.sampled_from(["/", "/health?a=b"]), "env.A": TEXT, "env.a-b": TEXT, "env.TEXT": NASTY,
    "unknown": TEXT, "domain": st.just("example.org"), "path": st.sampled_from(["/x", "/a/b/"]),
    "command": st.sampled_from(["run $X", "a 'b c'"]), "secret.TOKEN": st.just(PLANTED),
    "secret.to ken": st.just(PLANTED), "route.db": st.just("/db"),
}  # fmt: skip


@st.composite
def drawings(draw: Any) -> dict[str, Any]:
    """Up to seven nodes of all types with edges that may be drawn; now and then one that may not."""
    nodes = []
    for index in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from([1, 1, 1, DATABASE, GATEWAY]))
        config = draw(st.fixed_dictionaries({}, optional=dict(OPTIONAL)))
        config["port"] = str(draw(st.integers(1, 65535)))
        if kind == DATABASE:
            config |= {"databaseType": draw(st.sampled_from(sorted(KINDS))), "replicas": "1", "password": PLANTED}
            config.pop("replicas")
        elif kind == 1:
            config["image"] = "nginx:1.29"
        else:
            config["gateway"] = draw(st.sampled_from(["caddy", "traefik"]))
        made = node(draw(NAMES), kind, id=draw(st.sampled_from([f"id-{index}", f"$id {index}\n"])))
        made["data"]["config"] = config
        nodes.append(made)
    ids = [item["id"] for item in nodes]
    raw = graph(*nodes)
    pairs = draw(st.sets(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=12))
    stores = {item["id"] for item in nodes if item["type"] == DATABASE}
    raw["edges"] = [
        {"id": f"e{index}", "source": source, "target": target, "type": draw(st.integers(1, 3))}
        for index, (source, target) in enumerate(sorted(pairs))
        if source != target and source not in stores
    ]
    return raw


def valid(raw: dict[str, Any], engine: Any = "compose") -> Any:
    """The stack; None for a drawing that is refused, which must happen without a crash."""
    try:
        return stack_of(raw, env_names=["LOG_LEVEL", "A"], options=StackOptions(engine=engine))
    except GraphInvalid as error:
        # Not pytest.raises: most drawings are valid, and this one's refusal is judged all the same.
        if PLANTED in str(error):
            raise AssertionError("a secret in a message") from error
        return None


@given(drawings())
@settings(max_examples=100, deadline=None)
def test_order_reach_and_secrets(raw: dict[str, Any]) -> None:
    stack = valid(raw)
    if stack is None:
        return
    assert stack == valid(json.loads(json.dumps(raw)))
    assert PLANTED not in json.dumps(dict(stack.files)) + repr(stack)
    document = compose_of(stack)
    assert list(document["services"]) == [service.name for service in stack.services]
    check_reach(raw, stack, document)
    check_order(raw, stack)


def check_reach(raw: dict[str, Any], stack: Any, document: dict[str, Any]) -> None:
    joined = {frozenset((stack.names[edge["source"]], stack.names[edge["target"]])) for edge in raw["edges"]}
    for one, other in combinations(document["services"], 2):
        networks = [set(document["services"][name]["networks"]) for name in (one, other)]
        assert bool(networks[0] & networks[1]) == (frozenset((one, other)) in joined)


def check_order(raw: dict[str, Any], stack: Any) -> None:
    place = {service.name: index for index, service in enumerate(stack.services)}
    waits = {service.name: set(service.depends_on) for service in stack.services}
    for name, needed in waits.items():
        assert all(place[need] < place[name] for need in needed)
    if not any("circle" in warning for warning in stack.warnings):
        for edge in raw["edges"]:
            assert stack.names[edge["target"]] in waits[stack.names[edge["source"]]]


@needs_compose
@pytest.mark.parametrize("engine", ["compose", "swarm"])
def test_docker_accepts_every_file(engine: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One process per judgement, so few examples; each holds many nodes' worth of nasty text."""

    @given(drawings())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
    def accepted(raw: dict[str, Any]) -> None:
        stack = valid(raw, engine)
        if stack is not None:
            judge(stack, tmp_path_factory.mktemp("stack"))

    accepted()


KEYS = st.sampled_from(["nodes", "edges", "id", "type", "data", "config", "source", "target", "serviceName"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=150)
def test_no_json_crashes_the_reader(raw: Any) -> None:
    with contextlib.suppress(GraphInvalid):
        parse_graph(raw)
