"""Which address leads where."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from stackgen.results import Engine, Stack, StackOptions
from tests.stackgen.graphs import DATABASE, GATEWAY, compose_of, graph, node, stack_of, web


def caddyfile(*nodes: dict[str, object], edges: list[str]) -> str:
    return stack_of(graph(*nodes, edges=edges)).files["Caddyfile.g"]


def routes(text: str) -> list[tuple[str, str]]:
    """Pairs of what is matched and where it goes, in the order in which Caddy tries them."""
    return re.findall(r"handle (\S*) ?\{\n(?:\t\turi strip_prefix \S+\n)?\t\treverse_proxy (\S+) ", text)


def test_the_only_callee_has_everything() -> None:
    assert routes(caddyfile(node("g", GATEWAY, port="8080"), web("a"), edges=["g a"])) == [("", "a:80")]


def test_the_first_callee_has_the_rest_and_each_other_its_prefix() -> None:
    text = caddyfile(node("g", GATEWAY), web("b"), web("a"), edges=["g b", "g a"])
    assert routes(text) == [("@a", "a:80"), ("", "b:80")]
    assert "@a path /a /a/*\n\thandle @a {\n\t\turi strip_prefix /a\n" in text
    assert "redir @a-bare /a/" in text
    assert "/b" not in text


def test_routes_may_be_chosen_at_either_end() -> None:
    text = caddyfile(
        node("g", GATEWAY, route__a="/", route__b="/api/v1/"),
        web("a"),
        web("b"),
        web("c", path="/c", stripPrefix="false"),
        edges=["g a", "g b", "g c"],
    )
    assert routes(text) == [("@b", "b:80"), ("@c", "c:80"), ("", "a:80")]
    assert "@c path /c /c/*" in text


def test_a_domain_brings_https_its_ports_and_a_place_for_certificates() -> None:
    nodes = node("g", GATEWAY, domain="Example.org"), web("a"), web("b", domain="b.example.org")
    stack = stack_of(graph(*nodes, edges=["g a", "g b"]))
    assert "\nexample.org {" in stack.files["Caddyfile.g"]
    assert "\nb.example.org {" in stack.files["Caddyfile.g"]
    assert "auto_https" not in stack.files["Caddyfile.g"]
    service = compose_of(stack)["services"]["g"]
    assert service["ports"] == ["80:80", "443:443"]
    assert service["volumes"] == ["g-data:/data"]


def test_its_own_doors_inside_the_container_leave_the_graphs_port_alone() -> None:
    assert "admin 127.0.0.1:2019" in caddyfile(node("g", GATEWAY), web("a"), edges=["g a"])
    assert "admin 127.0.0.1:2018" in caddyfile(node("g", GATEWAY, port="2019"), web("a"), edges=["g a"])


def test_two_routes_to_one_place_are_told() -> None:
    stack = stack_of(graph(node("g", GATEWAY), web("a", path="/x"), web("b", path="/x/"), edges=["g a", "g b"]))
    assert stack.warnings == ("'g' leads :80/x to a, not to b",)


def test_a_gateway_without_callees_says_so_and_one_to_a_database_warns() -> None:
    stack = stack_of(graph(node("g", GATEWAY), node("db", DATABASE, databaseType="redis"), edges=["g db"]))
    assert "Nothing is connected" in stack.files["Caddyfile.g"]
    assert stack.warnings == ("'g' is joined with 'db', but leads no requests there",)


def test_only_gateways_and_who_asks_for_it_publish_ports() -> None:
    raw = graph(
        node("g", GATEWAY, port="8080", hostPort="9000"),
        web("a"),
        web("b", hostPort="7000"),
        node("db", DATABASE, databaseType="postgresql", hostPort="5555"),
        edges=["g a"],
    )
    stack = stack_of(raw)
    published = {name: found.get("ports") for name, found in compose_of(stack)["services"].items()}
    assert published == {"a": None, "b": ["7000:80"], "db": ["5555:5432"], "g": ["9000:8080"]}
    assert {service.name: service.published_ports for service in stack.services} == {
        "a": (), "b": (7000,), "db": (5555,), "g": (9000,),
    }  # fmt: skip


def traefik_file(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(stack.files["traefik.g.yml"])["http"]
    return found


def test_traefik_reads_its_routes_from_a_file_of_ours() -> None:
    nodes = node("g", GATEWAY, port="8080", gateway="traefik"), web("a"), web("b", stripPrefix="false"), web("c")
    stack = stack_of(graph(*nodes, edges=["g a", "g b", "a c"]))
    service = compose_of(stack)["services"]["g"]
    assert "Caddyfile.g" not in stack.files
    assert "--providers.file.filename=/etc/traefik/routes.yml" in service["command"]
    assert service["configs"] == [{"source": "g-routes", "target": "/etc/traefik/routes.yml"}]
    assert "--entrypoints.web.address=:8080" in service["command"]
    routes = traefik_file(stack)
    assert {name: found["rule"] for name, found in routes["routers"].items()} == {
        "a-1": "PathPrefix(`/`)", "b-0": "(Path(`/b`) || PathPrefix(`/b/`))",
    }  # fmt: skip
    assert {name: found["loadBalancer"] for name, found in routes["services"].items()} == {
        "a-1": {"servers": [{"url": "http://a:80"}]}, "b-0": {"servers": [{"url": "http://b:80"}]},
    }  # fmt: skip
    assert "middlewares" not in routes


@pytest.mark.parametrize("engine", ["compose", "swarm"])
@pytest.mark.parametrize("image", ["", "acme/traefik:own"])
def test_no_gateway_sees_docker_or_is_steered_by_labels(engine: Engine, image: str) -> None:
    nodes = node("g", GATEWAY, port="8080", gateway="traefik", image=image), web("a"), web("b")
    stack = stack_of(graph(*nodes, edges=["g a", "g b"]), options=StackOptions(engine=engine))
    assert "docker.sock" not in json.dumps(dict(stack.files))
    assert "providers.docker" not in json.dumps(dict(stack.files))
    for service in compose_of(stack)["services"].values():
        assert not [key for key in service["labels"] if not key.startswith("axion.")]


def test_traefik_with_a_domain_fetches_certificates() -> None:
    nodes = node("g", GATEWAY, domain="example.org", gateway="traefik"), web("a"), web("b", path="/b/")
    stack = stack_of(graph(*nodes, edges=["g a", "g b"]))
    assert compose_of(stack)["services"]["g"]["ports"] == ["80:80", "443:443"]
    routes = traefik_file(stack)
    assert routes["routers"]["b-0"] == {
        "rule": "Host(`example.org`) && (Path(`/b`) || PathPrefix(`/b/`))",
        "entryPoints": ["websecure"],
        "service": "b-0",
        "tls": {"certResolver": "le"},
        "middlewares": ["b-0-strip"],
    }
    assert routes["middlewares"] == {"b-0-strip": {"stripPrefix": {"prefixes": ["/b"]}}}


def test_traefik_without_routes_is_told_of_none() -> None:
    stack = stack_of(graph(node("g", GATEWAY, port="8080", gateway="traefik")))
    assert yaml.safe_load(stack.files["traefik.g.yml"]) is None


def test_traefik_is_asked_for_its_health_beside_the_graphs_port() -> None:
    service = compose_of(stack_of(graph(node("g", GATEWAY, port="2020", gateway="traefik"))))["services"]["g"]
    assert "--entrypoints.ping.address=127.0.0.1:2021" in service["command"]
    assert "--entrypoints.ping.address=127.0.0.1:2021" in service["healthcheck"]["test"]


def test_a_domain_makes_a_port_of_the_host_useless_and_that_is_said() -> None:
    stack = stack_of(graph(node("g", GATEWAY, domain="a.org", hostPort="9000")))
    assert compose_of(stack)["services"]["g"]["ports"] == ["80:80", "443:443"]
    assert stack.warnings == ("'g' serves its domain on 80 and 443; its hostPort 9000 is not used",)


def test_other_routes_replace_the_gateway() -> None:
    """Compose does not notice another text by itself: the hash in the labels must change."""
    one = stack_of(graph(node("g", GATEWAY), web("a"), web("b"), edges=["g a", "g b"]))
    other = stack_of(graph(node("g", GATEWAY), web("a"), web("b", path="/z"), edges=["g a", "g b"]))
    hashes = [compose_of(stack)["services"]["g"]["labels"]["axion.hash"] for stack in (one, other)]
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize(
    ("image", "kept"),
    [("", True), ("caddy:2.6.4-alpine", False), ("r:5000/library/caddy:2.6", False), ("caddy:2.10", True),
     ("caddy", True), ("acme/door:2.1", True), ("caddy:1", False)],
)  # fmt: skip
def test_websockets_are_left_open_where_the_release_can(image: str, kept: bool) -> None:
    text = caddyfile(node("g", GATEWAY, image=image), web("a"), web("b"), edges=["g a", "g b"])
    assert text.count("stream_close_delay 24h") == (2 if kept else 0)
