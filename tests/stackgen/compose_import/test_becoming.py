"""What services become: databases, services, edges, sealed values; and what the graph's own checks refuse is named."""

from __future__ import annotations

import re

import pytest

from stackgen.graph.reader import parse_graph
from tests.stackgen.compose_import.brought import brought, edges, node, said, type_of


def one(image: str, rest: str = "", **others: str) -> str:
    more = "".join(f"\n  {name}: {{image: app, environment: {{{text}}}}}" for name, text in others.items())
    return f"services:\n  db:\n    image: {image}\n{rest}{more}\n"


def env(**variables: str) -> str:
    return "    environment:\n" + "".join(f"      {name}: {value}\n" for name, value in variables.items())


MONGO = "    environment: {MONGO_INITDB_ROOT_USERNAME: u, MONGO_INITDB_ROOT_PASSWORD: p}\n"


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        (one("postgres:16", env(POSTGRES_PASSWORD="pw")), "postgresql", {"user": "postgres", "database": "postgres"}),
        (one("docker.io/library/postgres:16", env(POSTGRES_PASSWORD="pw")), "postgresql", {"image": "postgres:16"}),
        (one("pgvector/pgvector:pg17", env(POSTGRES_PASSWORD="pw", POSTGRES_DB="d")), "postgresql", {"database": "d"}),
        (one("mysql:8", env(MYSQL_ROOT_PASSWORD="pw")), "mysql", {"user": "root"}),
        (one("mariadb:11", env(MARIADB_USER="u", MARIADB_PASSWORD="pw")), "mariadb", {"user": "u"}),
        (one("mongo:7", MONGO.replace("p}", "pw}")), "mongodb", {"user": "u"}),
        (one("redis:7", "    command: redis-server --requirepass pw --appendonly yes\n"), "redis", {}),
        (one("minio/minio:latest", env(MINIO_ROOT_USER="uuu", MINIO_ROOT_PASSWORD="passw0rd") +
             "    command: server /data --console-address :9001\n"), "minio", {"user": "uuu"}),
    ],
)  # fmt: skip
def test_known_databases_become_database_nodes(text: str, kind: str, wanted: dict[str, str]) -> None:
    imported = brought(text)
    config = node(imported, "db")
    assert config["databaseType"] == kind
    assert config["password"] in {"pw", "passw0rd"}
    assert wanted.items() <= config.items()
    parse_graph(imported.graph)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (one("redis:7"), "no password"),
        (one("mongo:7"), "no password"),
        (one("mongo:4.2", MONGO), "no mongosh"),
        (one("redis:7", "    command: redis-server /etc/redis.conf\n"), "more than a password"),
        (one("postgres:16", env(POSTGRES_USER="'we ird'", POSTGRES_PASSWORD="pw")), "a name that"),
        (one("postgres:16", env(POSTGRES_PASSWORD="pw") + "    entrypoint: x\n"), "entrypoint"),
        (one("memcached:1.6", "    command: memcached -m 256 -p 11222\n"), "where it listens"),
        (one("rabbitmq:4", env(RABBITMQ_DEFAULT_USER="u", RABBITMQ_DEFAULT_PASS="p")), "virtual host"),
        (one("mysql:8", env(MYSQL_ALLOW_EMPTY_PASSWORD="1")), "no password"),
        (
            one(
                "mysql:8", env(MYSQL_USER="u", MYSQL_PASSWORD="p", MYSQL_ROOT_PASSWORD="r00t-word"), app="P: r00t-word"
            ),
            "sign in as root",
        ),
        (one("postgres@sha256:" + "a" * 64, env(POSTGRES_PASSWORD="pw")), "release"),
    ],
)
def test_what_a_database_node_cannot_be_stays_a_service(text: str, why: str) -> None:
    imported = brought(text)
    assert type_of(imported, "db") == "SERVICE"
    assert why in said(imported, "services.db")
    parse_graph(imported.graph)


def test_a_database_that_keeps_nothing_and_takes_no_password_is_promised_neither() -> None:
    imported = brought(one("memcached:1.6-alpine", "    command: memcached -m 256\n"))
    assert (type_of(imported, "db"), node(imported, "db")) == (
        "CACHE",
        {"databaseType": "memcached", "image": "memcached:1.6-alpine", "command": '["memcached", "-m", "256"]'},
    )
    assert not re.search("volume|password", "".join(line.text for line in imported.lines))
    parse_graph(imported.graph)


def test_images_of_others_stay_services_and_keep_their_variables() -> None:
    imported = brought(one("bitnami/postgresql:16", env(POSTGRESQL_PASSWORD="pw")))
    assert type_of(imported, "db") == "SERVICE"
    assert node(imported, "db")["secret.POSTGRESQL_PASSWORD"] == "pw"


@pytest.mark.parametrize(
    ("variable", "joined"),
    [
        ("DATABASE_URL: 'postgres://u:p@db:5432/x'", True),
        ("URL: 'http://db/path'", True),
        ("DB_HOST: db", True),
        ("BROKERS: 'a:1,db:9092'", True),
        ("DSN: 'u:p@tcp(db:3306)/x'", True),
        ("DB_TYPE: db", False),
        ("URL: 'http://mydb/path'", False),
        ("URL: 'http://db.example.org/'", False),
        ("TEXT: 'the db is here'", False),
    ],
)
def test_names_of_services_in_variables_become_edges(variable: str, joined: bool) -> None:
    imported = brought(one("app", app=variable))
    assert (("app", "db") in edges(imported)) is joined


def test_dependencies_links_and_commands_become_edges() -> None:
    imported = brought(
        "services:\n  a: {image: x}\n  b: {image: x, depends_on: [a]}\n  c: {image: x, links: [a]}\n"
        "  d: {image: x, command: wait-for a:80}\n"
    )
    assert edges(imported) == {("b", "a"), ("c", "a"), ("d", "a")}


def test_an_order_that_is_asked_for_is_not_lost_in_a_circle() -> None:
    imported = brought(
        "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, environment: {URL: http://c}}\n"
        "  c: {image: x, environment: {URL: http://a}}\n  d: {image: x, environment: {URL: http://e}}\n"
        "  e: {image: x, environment: {URL: http://d}}\n"
    )
    assert edges(imported) == {("a", "b"), ("d", "e"), ("e", "d")}
    assert imported.graph["network"] == "shared"


def test_of_a_variable_that_is_listed_twice_the_last_wins_and_the_first_is_told() -> None:
    imported = brought("services:\n  a: {image: x, environment: ['A=1', 'B=2', 'A=3']}\n")
    assert node(imported, "a")["env.A"] == "3"
    assert said(imported, "services.a.environment[0]") == "became: the same name stands further down, which wins"


def test_a_folder_of_the_host_with_more_than_the_data_leaves_a_service() -> None:
    given = env(POSTGRES_PASSWORD="pw")
    at, around = (given + f"    volumes: ['/srv/x:{path}']\n" for path in ("/var/lib/postgresql/data", "/var/lib"))
    assert node(brought(one("postgres:16", at)), "db")["hostPath./var/lib/postgresql/data"] == "/srv/x"
    imported = brought(one("postgres:16", around))
    assert "databaseType" not in node(imported, "db")
    assert "/srv/x of the host is mounted at /var/lib" in said(imported, "services.db")
    parse_graph(imported.graph)


def test_no_copy_of_a_database_is_one_that_is_started_and_said() -> None:
    imported = brought(one("postgres:16", env(POSTGRES_PASSWORD="pw") + "    deploy: {replicas: 0}\n"))
    assert "not kept: no copy: it is started here" in said(imported, "services.db.deploy.replicas")


def test_a_database_depends_on_nothing_and_says_so() -> None:
    imported = brought(one("postgres:16", env(POSTGRES_PASSWORD="pw") + "    depends_on: [app]\n", app="A: b"))
    assert edges(imported) == set()
    assert "depends on nothing" in said(imported, "services.db.depends_on[0]")
    parse_graph(imported.graph)


@pytest.mark.parametrize(
    ("name", "value", "sealed"),
    [
        ("DB_PASSWORD", "x", True), ("API_KEY", "x", True), ("JWT_SECRET", "x", True), ("GITHUB_TOKEN", "x", True),
        ("WEBPASSWORD", "x", True), ("POSTGRES_PW", "x", True), ("MODE", "x", False),
        ("PASSWORD_MIN_LENGTH", "8", False), ("PASSWORD_FILE", "/run/secrets/x", False),
        ("TOKEN_ENABLED", "true", False), ("U", "amqp://u:p@h/", True),
        ("U", "amqp://h/", False), ("KEYBOARD", "x", False), ("DB_PASS", "x", True), ("COMPASS", "x", False),
    ],
)  # fmt: skip
def test_passwords_become_sealed_values(name: str, value: str, sealed: bool) -> None:
    config = node(brought(one("app", env(**{name: f"'{value}'"}))), "db")
    assert (f"secret.{name}" in config, f"env.{name}" in config) == (sealed, not sealed)


def test_what_nobody_gave_is_asked_for() -> None:
    imported = brought(
        "services:\n  a:\n    image: 'x:${TAG}'\n    environment: {P: , PASSWORD: '${GONE}', M: '${GONE}'}\n"
    )
    assert "needed: P has no value" in said(imported, "services.a.environment.P")
    assert "asked for" in said(imported, "services.a.environment.PASSWORD")
    assert "needed: GONE has no value" in said(imported, "services.a.environment.M")
    assert "needed: TAG has no value" in said(imported, "services.a.image")


def test_a_password_is_read_from_the_secret_that_the_file_names() -> None:
    text = one("postgres:16", env(POSTGRES_PASSWORD_FILE="/run/secrets/pw") + "    secrets: [pw]\n")
    text += "secrets: {pw: {file: pw.txt}}\n"
    assert node(brought(text, files={"pw.txt": "from-a-file\n"}), "db")["password"] == "from-a-file"
    asked = brought(text)
    assert node(asked, "db")["password"] == ""
    assert "needed: the password" in said(asked, "services.db")


def test_what_the_graph_refuses_is_left_out_with_the_reason() -> None:
    imported = brought("services:\n  a: {image: x, mem_limit: 1k, stop_grace_period: 30s}\n")
    assert "memory" not in node(imported, "a")
    assert "at least 6M" in said(imported, "services.a.mem_limit")
    assert node(imported, "a")["stopGraceSeconds"] == "30"
    parse_graph(imported.graph)


def test_profiles_that_nobody_chose_are_told() -> None:
    text = "services:\n  a: {image: x, depends_on: {b: {condition: service_started, required: false}}}\n"
    imported = brought(f"{text}  b: {{image: y, profiles: [p]}}\n")
    assert "profiles are not chosen" in said(imported, "services.b.image")
    assert "left out" in said(imported, "services.a.depends_on.b.condition") + said(imported, "services.a.depends_on.b")
