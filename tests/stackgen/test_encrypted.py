"""Encrypted networks of a Swarm: other ones, by other names, since Docker cannot change a network."""

from __future__ import annotations

from dataclasses import replace

import yaml

from stackgen.graph.reader import parse_graph
from stackgen.results import Stack, StackOptions
from stackgen.stack import generate
from tests.stackgen.graphs import graph, node

SWARM = StackOptions(engine="swarm")


def stack_of(options: StackOptions) -> Stack:
    raw = graph(node("web", image="web:1", network="shared"), node("db", image="db:1", network="shared"))
    return generate(graph=parse_graph(raw), stack_name="shop", project_id="p", code={}, env_names=(), options=options)


def test_networks_are_encrypted_where_it_is_asked_for_and_services_move_to_them() -> None:
    plain, sealed = stack_of(SWARM), stack_of(replace(SWARM, encrypted=True))
    before, after = (yaml.safe_load(each.files["docker-compose.yml"]) for each in (plain, sealed))
    assert [network.get("driver_opts") for network in before["networks"].values()] == [None]
    ((name, network),) = after["networks"].items()
    assert (network["driver"], network["driver_opts"]) == ("overlay", {"encrypted": "true"})
    assert name == f"{next(iter(before['networks']))}_encrypted"
    assert all(list(service["networks"]) == [name] for service in after["services"].values())
    # So the plan sees that every service is another one.
    assert all(old.content_hash != new.content_hash for old, new in zip(plain.services, sealed.services, strict=True))


def test_compose_has_none() -> None:
    plain, asked = stack_of(StackOptions()), stack_of(StackOptions(encrypted=True))
    assert plain.files == asked.files
