"""What a node asks of its database server beside the first database, and options for servers with a command of ours."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from stackgen.errors import GraphInvalid
from stackgen.graph.reader import parse_graph
from tests.stackgen.graphs import DATABASE, compose_of, graph, node, stack_of


def of(kind: str, **config: str) -> dict[str, Any]:
    drawn = graph(node("web", image="web:1"), node("db", DATABASE, databaseType=kind, **config), edges=["web db"])
    services: dict[str, Any] = compose_of(stack_of(drawn))["services"]
    return services


def test_postgresql_makes_what_is_missing_as_a_part_of_being_ready() -> None:
    kind, check = of("postgresql", databases="shop, crm", extensions="pg_trgm uuid-ossp")["db"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    shown = check.replace("$$", "$")
    assert subprocess.run(["sh", "-n", "-c", shown], check=False, capture_output=True).returncode == 0
    assert "'CREATE DATABASE \"crm\"'" not in check.split("WHERE datname = 'shop'")[0]
    assert 'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" CASCADE' in check
    assert "DROP" not in check
    assert of("postgresql")["db"]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("mysql", {"databases": "shop"}), ("redis", {"extensions": "pg_trgm"}), ("postgresql", {"replicaSet": "rs0"}),
        ("postgresql", {"databases": "a'; DROP"}), ("postgresql", {"extensions": 'x"y'}),
        ("mongodb", {"replicaSet": "a b"}),
        ("mongodb", {"image": "mongo:4.4"}),
    ],
)  # fmt: skip
def test_refused_where_it_means_nothing_or_breaks_out(kind: str, config: dict[str, str]) -> None:
    drawn = graph(node("db", DATABASE, databaseType=kind, **config))
    with pytest.raises(GraphInvalid) as refused:
        parse_graph(drawn)
    assert next(iter(config)) in str(refused.value)


def test_mongodb_is_a_replica_set_of_one_under_its_own_name() -> None:
    services = of("mongodb", replicaSet="rs0")
    made = services["db"]
    assert made["hostname"] == "db"
    assert "--replSet rs0 --keyFile /tmp/members.key" in made["command"][2]
    script = made["healthcheck"]["test"][-1]
    assert "rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'db:27017' }] })" in script
    assert services["web"]["environment"]["DB_URL"].endswith("?authSource=admin&replicaSet=rs0")
    if shutil.which("node"):
        told = subprocess.run(["node", "--check", "-"], input=script, text=True, capture_output=True, check=False)
        assert told.returncode == 0, told.stderr
    assert "replSet" not in str(of("mongodb"))


@pytest.mark.parametrize(
    ("kind", "options"),
    [("redis", "--maxmemory 64mb"), ("valkey", "--maxmemory 64mb"), ("nats", "-D"), ("minio", "--quiet")],
)
def test_a_server_with_a_command_of_ours_takes_options_too(kind: str, options: str) -> None:
    command = of(kind, command=options)["db"]["command"]
    assert command[-len(options.split()) :] == options.split()
    assert kind == "minio" or '"$$@"' in command[2]
