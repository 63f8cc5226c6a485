"""Which variables a service gets, and which hides which."""

from __future__ import annotations

from tests.stackgen.graphs import DATABASE, GATEWAY, compose_of, graph, node, stack_of, web


def environment(stack_graph: dict[str, object], name: str, **options: object) -> dict[str, str]:
    found = compose_of(stack_of(stack_graph, **options))["services"][name].get("environment", {})  # type: ignore[arg-type]
    assert isinstance(found, dict)
    return found


def test_a_caller_learns_how_to_reach_its_database() -> None:
    db = node("db", DATABASE, databaseType="postgresql", user="me", database="shop")
    raw = graph(web("api"), db, edges=["api db"])
    url = "postgresql://me:${SECRET_DB_PASSWORD_URLENCODED}@db:5432/shop"
    assert environment(raw, "api") == {
        "DATABASE_URL": url, "DB_DATABASE": "shop", "DB_HOST": "db", "DB_PASSWORD": "${SECRET_DB_PASSWORD}",
        "DB_PORT": "5432", "DB_URL": url, "DB_USER": "me", "PORT": "80",
    }  # fmt: skip


def test_a_caller_learns_how_to_reach_another_service() -> None:
    raw = graph(web("web"), web("My API"), node("job", image="x"), edges=["web My_API", "web job"])
    raw["nodes"][1]["id"] = "My_API"
    assert environment(raw, "web") == {
        "JOB_HOST": "job", "MY_API_HOST": "my-api", "MY_API_PORT": "80", "MY_API_URL": "http://my-api:80", "PORT": "80",
    }  # fmt: skip


def test_who_is_not_joined_learns_nothing() -> None:
    raw = graph(web("api"), web("other"), node("db", DATABASE, databaseType="redis"), edges=["api db"])
    assert environment(raw, "other") == {"PORT": "80"}


def test_the_connection_has_the_name_that_was_given_to_it() -> None:
    raw = graph(web("api"), node("db", DATABASE, databaseType="redis", connectionName="main-cache"), edges=["api db"])
    assert environment(raw, "api")["MAIN_CACHE_HOST"] == "db"


def test_of_several_of_a_kind_the_first_by_name_is_the_expected_one_and_that_is_said() -> None:
    raw = graph(
        web("api"),
        node("b", DATABASE, databaseType="redis"),
        node("a", DATABASE, databaseType="redis"),
        edges=["api b", "api a"],
    )
    found = environment(raw, "api")
    assert found["REDIS_URL"] == found["A_URL"] != found["B_URL"]
    assert stack_of(raw).warnings == ("REDIS_URL of 'api' leads to a; the others are in B_URL",)


def test_edges_then_config_then_the_request() -> None:
    raw = graph(
        web("api", env__DATABASE_URL="mine", env__A="config", env__B="config"),
        node("db", DATABASE, databaseType="postgresql"),
        edges=["api db"],
    )
    found = environment(raw, "api", env_names=["B", "C"])
    assert found["DATABASE_URL"] == "mine"
    assert (found["A"], found["B"], found["C"]) == ("config", "${ENV_B}", "${ENV_C}")
    assert set(stack_of(raw, env_names=["B"]).overrides) == {
        "api: DATABASE_URL: its config hides the edges", "api: B: the request hides its config",
    }  # fmt: skip


def test_the_request_reaches_services_only() -> None:
    raw = graph(web("api"), node("db", DATABASE, databaseType="redis"), node("g", GATEWAY), edges=["api db", "g api"])
    services = compose_of(stack_of(raw, env_names=["A"]))["services"]
    assert [name for name, found in services.items() if "A" in found.get("environment", {})] == ["api"]


def test_a_dollar_in_a_value_is_no_variable_of_compose() -> None:
    assert environment(graph(web("a", env__X="$HOME ${A:-b} $$")), "a")["X"] == "$$HOME $${A:-b} $$$$"


def test_connections_of_one_name_are_told_of() -> None:
    databases = [node(name, DATABASE, databaseType=name, connectionName="main") for name in ("redis", "nats")]
    raw = graph(web("api"), *databases, edges=["api redis", "api nats"])
    assert environment(raw, "api")["MAIN_HOST"] == "redis"
    assert stack_of(raw).warnings == ("MAIN_URL of 'api' leads to redis, not to nats",)


def test_of_what_becomes_one_name_the_hidden_is_told() -> None:
    raw = graph(web("a", **{"env__x-y": "1", "env__x_y": "2", "secret__x_y": "3"}))
    assert environment(raw, "a")["x_y"] == "${SECRET_A_X_Y}"
    assert stack_of(raw).overrides == ("a: x_y: env.x_y hides env.x-y", "a: x_y: secret.x_y hides env.x_y")


def test_names_become_usable_and_that_is_said() -> None:
    raw = graph(web("a", **{"env__my-key": "1"}))
    assert environment(raw, "a")["my_key"] == "1"
    assert stack_of(raw).warnings == ("'a': 'my-key' is set as my_key",)


def test_names_with_dots_reach_the_program_as_written() -> None:
    raw = graph(web("a", **{"env__discovery.type": "single-node", "secret__a.b": "s", "env__.x": "1"}))
    assert environment(raw, "a").keys() >= {"discovery.type", "a.b", "_x"}


def test_what_a_database_does_not_have_is_not_told_to_its_callers() -> None:
    kafka = node("k", DATABASE, databaseType="kafka", user="shop", database="x", password="p", port="1")
    stack = stack_of(graph(web("a"), kafka, edges=["a k"]))
    assert set(compose_of(stack)["services"]["a"]["environment"]) == {
        "K_HOST", "K_PORT", "K_URL", "KAFKA_BROKERS", "PORT",
    }  # fmt: skip
    assert [warning.split(";")[0].split(": ")[-1] for warning in stack.warnings] == [
        "kafka is run without a password", "kafka is run without a user", "kafka is run without a database",
        "'k' listens on 9092",
    ]  # fmt: skip
