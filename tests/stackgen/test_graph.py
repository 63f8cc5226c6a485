"""What a graph may hold, and what is said when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from stackgen.errors import GraphInvalid
from stackgen.graph.reader import EdgeType, NodeType, parse_graph
from tests.stackgen.graphs import DATABASE, GATEWAY, compose_of, graph, node, stack_of, web


def problems_of(raw: Any) -> list[tuple[str, str]]:
    with pytest.raises(GraphInvalid) as caught:
        parse_graph(raw)
    return [(problem.node_id, problem.field) for problem in caught.value.problems]


def message_of(raw: Any) -> str:
    with pytest.raises(GraphInvalid) as caught:
        parse_graph(raw)
    return str(caught.value)


def test_enums_come_as_numbers_or_names_and_unknown_keys_survive() -> None:
    raw = graph(
        web("a"),
        node("b", "database", databaseType="Postgres"),
        node("c", "CACHE"),
        node("d", "3", mine="kept"),
        edges=["a b"],
    )
    raw["edges"][0]["type"] = "database"
    parsed = parse_graph(raw)
    assert [found.type for found in parsed.nodes] == [
        NodeType.SERVICE,
        NodeType.DATABASE,
        NodeType.CACHE,
        NodeType.GATEWAY,
    ]
    assert parsed.edges[0].type is EdgeType.DATABASE
    assert parsed.nodes[1].settings.kind == "postgresql"
    assert parsed.nodes[2].settings.kind == "redis"
    assert parsed.nodes[3].config == {"mine": "kept"}


@pytest.mark.parametrize("port", ["99999", "0", "-1", "8o80", "1e3", " ", "٣", 70000, 80.5, "1" * 5000])
def test_a_port_that_is_none_names_node_and_field(port: object) -> None:
    raw = graph(node("a", image="x", port=port))
    if port == " ":
        assert parse_graph(raw).nodes[0].settings.port is None
    else:
        assert problems_of(raw) == [("a", "config.port")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("replicas", "0"), ("replicas", "many"), ("cpu", "fast"), ("cpu", "0"), ("memory", "much"), ("memory", "1K"),
        ("healthPath", "health"), ("healthPath", "/a b"), ("healthPath", "/'; rm"), ("image", "x y"), ("image", "-x"),
        ("domain", "exa mple.org"), ("domain", "a{b}"), ("runtime", "cobol"), ("path", "/a}b"),
        ("command", "x" * 20_000),
        ("stripPrefix", "maybe"), ("route.x", "/a b"), ("gateway", "apache"), ("hostPort", "x"),
        ("stopGraceSeconds", "0"), ("cpu", "1e3"), ("cpu", "nan"), ("cpu", "٣"), ("memory", "1e3"), ("memory", "٦٤M"),
        ("image", "nginx:"), ("image", "nginx@sha256:abc"), ("image", "a//b"), ("image", "a:b:c"), ("image", "Nginx"),
        ("image", "a/../b"), ("image", "a:1$X"), ("path", "/../a"), ("path", "/a/.."), ("path", "/."), ("path", "//"),
        ("path", "/a\nrespond 200"), ("domain", "a.org\nb"), ("domain", "{$X}"), ("domain", "a.org`"),
        ("placement", "node.labels.a==b\nc"), ("route.x", "a.org { }"), ("route.x", "/a/../b"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant(key: str, value: str) -> None:
    kind = GATEWAY if key in {"route.x", "gateway"} else 1
    raw = graph(node("a", kind, image="x", port="80"))
    raw["nodes"][0]["data"]["config"][key] = value
    assert problems_of(raw) == [("a", f"config.{key}")]


def test_an_unknown_database_lists_the_known_ones() -> None:
    message = message_of(graph(node("a", DATABASE, databaseType="oracle")))
    assert "'oracle' is unknown" in message
    assert "postgresql" in message
    assert "redis" in message
    assert problems_of(graph(node("a", DATABASE))) == [("a", "config.databaseType")]


@pytest.mark.parametrize("kind", [0, 9, "9", "TOASTER", None, 1.5, True, [], "١"])
def test_an_unknown_type_of_node(kind: Any) -> None:
    assert problems_of(graph(node("a", kind))) == [("a", "type")]


def test_all_problems_are_told_at_once() -> None:
    raw = graph(
        node("a", image="x", port="99999", replicas="x"),
        node("b", DATABASE, databaseType="oracle"),
        web("c", id="a"),
        edges=["a nobody", "a a"],
    )
    assert sorted(problems_of(raw)) == [
        ("", "edge e0"),
        ("a", "config.port"),
        ("a", "config.replicas"),
        ("a", "edge e1"),
        ("a", "id"),
        ("b", "config.databaseType"),
    ]


def test_a_database_depends_on_nothing_and_runs_once() -> None:
    raw = graph(node("db", DATABASE, databaseType="redis", replicas="2"), web("a"), edges=["db a"])
    assert problems_of(raw) == [("db", "edge e0"), ("db", "config.replicas")]


def test_ports_that_others_rely_on() -> None:
    others = (node("b", image="x", healthPath="/"), node("c", image="x", hostPort="81"), node("d", image="x"))
    raw = graph(node("g", GATEWAY), node("a", image="x"), *others, edges=["g a"])
    assert problems_of(raw) == [("a", "config.port"), ("b", "config.port"), ("c", "config.port")]


@pytest.mark.parametrize("image", ["nginx", "a/b-c__d.e:1", "localhost:5000/x", "GHCR/o", "x@sha256:" + "0" * 64])
def test_names_of_images_are_those_that_docker_takes(image: str) -> None:
    assert parse_graph(graph(node("a", image=image))).nodes[0].settings.image == image


@pytest.mark.parametrize(
    ("kind", "user"),
    [("rabbitmq", "guest"), ("postgresql", "pg_me"), ("minio", "ab"), ("mysql", "x" * 33), ("mongodb", "a'b")],
)
def test_a_user_that_its_server_refuses(kind: str, user: str) -> None:
    assert problems_of(graph(node("db", DATABASE, databaseType=kind, user=user))) == [("db", "config.user")]
    parse_graph(graph(node("db", DATABASE, databaseType=kind, user="shop_1")))


def test_more_cannot_be_reserved_than_is_allowed() -> None:
    amounts = {"cpu": "500m", "cpuReservation": "1", "memory": "64M", "memoryReservation": "1G"}
    assert problems_of(graph(web("a", **amounts))) == [
        ("a", "config.cpuReservation"),
        ("a", "config.memoryReservation"),
    ]
    parse_graph(graph(web("a", **{**amounts, "cpuReservation": "0.5", "memoryReservation": "65536K"})))


def test_all_names_below_a_domain_only_without_certificates() -> None:
    secure = graph(node("g", GATEWAY, domain="*.a.org", route__b="*.b.org"), web("b", domain="*.c.org"), edges=["g b"])
    assert problems_of(secure) == [("g", "config.domain"), ("g", "config.route.b"), ("b", "config.domain")]
    parse_graph(graph(node("g", GATEWAY, domain="*.a.org", port="80")))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (node("g", GATEWAY, port="8080"), web("a", hostPort="8080")),
        (node("b", DATABASE, databaseType="postgresql", hostPort="8080"), web("a", hostPort="8080")),
        (node("b", "CACHE", hostPort="8080"), node("a", DATABASE, databaseType="mysql", hostPort="8080")),
        (node("g", GATEWAY, domain="a.org"), node("a", "QUEUE", hostPort="443")),
        (node("g", GATEWAY), node("a", GATEWAY, gateway="traefik", port="8080", hostPort="80")),
    ],
)
def test_a_port_of_the_host_is_given_once(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert problems_of(graph(first, second)) == [("a", "config.hostPort")]
    assert f"taken by {first['id']!r}" in message_of(graph(first, second))


@pytest.mark.parametrize(
    "raw",
    [
        {}, [], None, {"nodes": {}}, {"nodes": [1]}, {"nodes": [{}]}, {"nodes": [{"id": ""}]}, {"nodes": [{"id": 1}]},
        {"nodes": [], "edges": 3}, {"nodes": [], "edges": [{}]}, {"nodes": [{}] * 10_001},
        {"nodes": [{"id": "a", "type": 1, "data": {"serviceName": 5}}]},
        {"nodes": [{"id": "a", "type": 1, "data": {"config": []}}]},
        {"nodes": [{"id": "a", "type": 1, "data": {"config": {"env.A": "\0"}}}]},
        {"nodes": [{"id": "a", "type": 1, "data": {"config": {"env.A": "\ud800"}}}]},
        {"nodes": [{"id": "a", "type": 1, "data": {"config": {"env.A": {}}}}]},
    ],
)  # fmt: skip
def test_nonsense_is_a_problem_and_never_a_crash(raw: Any) -> None:
    assert problems_of(raw)


def test_a_secret_value_is_in_no_message() -> None:
    raw = graph(node("a", DATABASE, databaseType="redis", password="hush\0hush"))
    assert "hush" not in message_of(raw)


@pytest.mark.parametrize(
    ("text", "wanted"), [("512Mi", "512M"), ("512 MB", "512M"), ("0.5g", "512M"), ("2G", "2G"), ("10240k", "10M")]
)
def test_amounts_of_memory(text: str, wanted: str) -> None:
    assert parse_graph(graph(web("a", memory=text))).nodes[0].settings.memory == wanted


@pytest.mark.parametrize(("text", "wanted"), [("0.50", "0.5"), ("500m", "0.5"), ("2", "2"), ("1500m", "1.5")])
def test_numbers_of_cores(text: str, wanted: str) -> None:
    assert parse_graph(graph(web("a", cpu=text))).nodes[0].settings.cpu == wanted


@pytest.mark.parametrize(("config", "limit"), [({}, 2048), ({"processes": "64"}, 64)])
def test_a_container_has_a_limit_of_processes(config: dict[str, str], limit: int) -> None:
    service = compose_of(stack_of(graph(web("web", **config))))["services"]["web"]
    assert service["deploy"]["resources"]["limits"]["pids"] == limit


@pytest.mark.parametrize("text", ["15", "32769", "many"])
def test_a_limit_of_processes_out_of_bounds_is_refused(text: str) -> None:
    assert problems_of(graph(web("web", processes=text))) == [("web", "config.processes")]
