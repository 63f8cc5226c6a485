"""What a node may refer to: other nodes in its variables, and nodes that lie elsewhere."""

from __future__ import annotations

import jsonschema
import pytest

from stackgen.keys.schema import graph_schema
from stackgen.results import Engine, StackOptions
from tests.stackgen.graphs import DATABASE, GATEWAY, compose_of, graph, node, stack_of, web
from tests.stackgen.test_keys import problem_of

REFERRING = (
    node("db one", DATABASE, id="d1", databaseType="postgresql", password="p", env__TZ="UTC", secret__K="s"),
    web("api.v2", id="s1"),
)


def variables_of(text: str, *, edges: tuple[str, ...] = ("w d1", "w s1")) -> tuple[str, tuple[str, ...]]:
    stack = stack_of(graph(*REFERRING, web("w", env__X=text), edges=edges))
    return compose_of(stack)["services"]["w"]["environment"]["X"], stack.warnings


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${node.db one.host}", "db-one"),
        (
            "jdbc:postgresql://${node.d1.host}:${node.d1.port}/${node.db-one.database}",
            "jdbc:postgresql://db-one:5432/app",
        ),
        ("$x ${node.db one.user} $", "$$x app $$"),
        ("${node.d1.password}", "${SECRET_DB_ONE_PASSWORD}"),
        ("${node.d1.passwordUrl}", "${SECRET_DB_ONE_PASSWORD_URLENCODED}"),
        ("${node.d1.env.TZ}/${node.d1.secret.K}", "UTC/${SECRET_DB_ONE_K}"),
        ("${node.api.v2.url}", "http://api-v2:80"),
    ],
)
def test_a_variable_refers_to_another_node(text: str, wanted: str) -> None:
    assert variables_of(text) == (wanted, ())


@pytest.mark.parametrize(
    "text", ["${node.nobody.host}", "${node.d1.colour}", "${node.s1.password}", "${node.d1}", "${node.d1.env.NO}"]
)
def test_a_reference_that_leads_nowhere_is_refused(text: str) -> None:
    assert "w [w] config.env.X: refers to" in problem_of(graph(*REFERRING, web("w", env__X=text)))


def test_a_reference_without_an_edge_is_told() -> None:
    assert "'w': X leads to 'db one', but no edge joins the two" in variables_of("${node.d1.url}", edges=())[1]
    assert variables_of("${node.d1.password}", edges=())[1] == ()


def test_of_two_nodes_with_one_name_the_reference_must_say_which() -> None:
    raw = graph(web("a", id="1"), web("a", id="2"), web("w", env__X="${node.a.host}"))
    assert "use an id" in problem_of(raw)


ELSEWHERE = (
    node("db", DATABASE, id="d", databaseType="postgresql", external="true", host="db.example.org", port="6432",
         user="shop", database="orders", password="p"),
    node("pay", id="p", external="yes", host="pay.example.org", scheme="https", image="x"),
    node("old", id="o", external="true", host="10.0.0.9", port="8080"),
)  # fmt: skip


@pytest.mark.parametrize("engine", ["compose", "swarm"])
def test_a_node_elsewhere_runs_nothing_and_gives_its_variables(engine: Engine) -> None:
    text = "${node.db.host}:${node.pay.url}"
    raw = graph(*ELSEWHERE, web("a", env__X=text), edges=["a d", "a p", "a o"])
    stack = stack_of(raw, options=StackOptions(engine=engine))
    document = compose_of(stack)
    assert list(document["services"]) == list(stack.names.values()) == ["a"]
    given = document["services"]["a"]["environment"]
    assert given["DATABASE_URL"] == "postgresql://shop:${SECRET_DB_PASSWORD_URLENCODED}@db.example.org:6432/orders"
    assert (given["DB_HOST"], given["DB_PORT"], given["DB_PASSWORD"]) == (
        "db.example.org", "6432", "${SECRET_DB_PASSWORD}",
    )  # fmt: skip
    assert (given["PAY_HOST"], given["PAY_URL"]) == ("pay.example.org", "https://pay.example.org")
    assert given["OLD_URL"] == "http://10.0.0.9:8080"
    assert given["X"] == "db.example.org:https://pay.example.org"
    assert "'pay': config.image means nothing for a node that is external: it runs nothing" in stack.warnings
    assert "volumes" not in document
    assert "depends_on" not in document["services"]["a"]


def test_what_a_node_elsewhere_needs() -> None:
    db = node("db", DATABASE, databaseType="postgresql", external="true", port="5432")
    told = problem_of(graph(db, web("a"), node("p", external="true", host="p.org"), edges=["p a"]))
    assert "edge e0: leads away from an external node" in told
    assert "config.host: is needed" in told
    assert "config.password: is needed" in told
    assert "external=true" in problem_of(graph(node("db", DATABASE, databaseType="redis", host="db.org")))


def test_a_gateway_says_that_it_leads_nowhere_else() -> None:
    raw = graph(node("g", GATEWAY), web("a"), ELSEWHERE[2], edges=["g a", "g o"])
    assert "'g' is joined with 'old', but leads no requests there" in stack_of(raw).warnings


def test_the_schema_takes_what_the_generator_takes() -> None:
    checker = jsonschema.Draft202012Validator(graph_schema())
    checker.check_schema(graph_schema())
    checker.validate(graph(*REFERRING, web("w", cpu="500m", **{"volume.x": "/x", "unknown": "y"}), edges=["w d1"]))
    for key, value in (("port", "http"), ("volume.x", "x"), ("healthInterval", "soon"), ("stripPrefix", "maybe")):
        assert not checker.is_valid(graph(node("w", **{key: value}))), key


def test_the_graph_gives_variables_to_every_service_but_where_one_says_its_own() -> None:
    nodes = (*REFERRING, web("w"), web("own", env__DB="mine"), node("away", id="x", external="true", host="h.example"))
    raw = {**graph(*nodes), "network": "shared", "env": {"DB": "${node.d1.host}", "LEVEL": 3}}
    stack = stack_of(raw)
    given = {name: each.get("environment", {}) for name, each in compose_of(stack)["services"].items()}
    assert (given["w"]["DB"], given["w"]["LEVEL"], given["own"]["DB"]) == ("db-one", "3", "mine")
    assert "DB" not in given["db-one"]
    assert [warning for warning in stack.warnings if "away" in warning] == []
    jsonschema.Draft202012Validator(graph_schema()).validate(raw)
    assert "config.env.DB: refers to" in problem_of({**raw, "env": {"DB": "${node.nobody.host}"}})
    refused: tuple[object, ...] = (["x"], {"": "x"}, {"A": {}}, {"A": "\0"})
    for wrong in refused:
        assert problem_of({**raw, "env": wrong}).startswith("graph env")
