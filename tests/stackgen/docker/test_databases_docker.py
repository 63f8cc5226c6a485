"""Every kind of database started for real, all in one stack: healthy, and open to whoever has the caller's variables.

Their official images where they can be pulled, else stand-ins of Debian's packages; in MySQL's place that is MariaDB,
under MySQL's variables and its client's name. MongoDB and MinIO have no stand-in, as no package carries them: where
their images cannot be pulled their cases are skipped, and only what they would be told is checked.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackgen.databases.known import KINDS
from tests.servers.places import PROVISION
from tests.stackgen.docker.docker import IMAGES_SECONDS, needs_engine, provide, run
from tests.stackgen.docker.running import NASTY_PASSWORD, Running, prepare, unique_name
from tests.stackgen.graphs import DATABASE, compose_of, graph, node, stack_of

pytestmark = [*needs_engine, pytest.mark.timeout(IMAGES_SECONDS)]
# RabbitMQ takes others from its environment for something else.
ASCII_PASSWORD = NASTY_PASSWORD.rstrip("é")
CLIENT_IMAGE = "python:3.13-slim"
WITHOUT_STAND_IN = ("mongodb", "minio")
# How each kind's own client asks, in the database's container but by the name and the values that callers get.
MYSQL = ("-h", "{HOST}", "-u", "{USER}", "-p{PASSWORD}", "-D", "{DATABASE}", "-N", "-e", "SELECT 'signed in'")
REDIS = '{} -u "$0" --no-auth-warning ping | grep -q PONG && echo signed in'
QUESTIONS = {
    "postgresql": ("psql", "{URL}", "-tAc", "SELECT 'signed in'"),
    "mysql": ("mysql", *MYSQL),
    "mariadb": ("mariadb", *MYSQL),
    "mongodb": ("mongosh", "--quiet", "{URL}", "--eval", "db.runCommand({{ ping: 1 }}).ok && 'signed in'"),
    "redis": ("sh", "-c", REDIS.format("redis-cli"), "{URL}"),
    "valkey": ("sh", "-c", REDIS.format("valkey-cli"), "{URL}"),
    "minio": ("sh", "-c", 'mc -q alias set x "$0" "$1" "$2" && echo signed in', "{URL}", "{USER}", "{PASSWORD}"),
}


def graph_of_kinds(kinds: list[str]) -> dict[str, object]:
    """A caller with all of these databases, whose names, users and passwords are chosen where the kind has such."""
    nodes = [node("client", image=CLIENT_IMAGE, command="sleep 1000", stopGraceSeconds="1")]
    for name in kinds:
        named = {"database": "shop-1"} if KINDS[name].default_database == "app" else {}
        user = {"user": "shop_1"} if KINDS[name].default_user else {}
        nodes.append(node(name, DATABASE, databaseType=name, password=ASCII_PASSWORD, **named, **user))
    return graph(*nodes, edges=[f"client {name}" for name in kinds])


def can_be_had(kind: str) -> bool:
    try:
        provide(KINDS[kind].image)
    except AssertionError:
        return False
    return True


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    certain = [name for name in KINDS if name not in WITHOUT_STAND_IN]
    provide(CLIENT_IMAGE, *(KINDS[name].image for name in certain))
    kinds = certain + [name for name in WITHOUT_STAND_IN if can_be_had(name)]
    folder = tmp_path_factory.mktemp("databases")
    running = prepare(graph_of_kinds(kinds), {}, folder, unique_name(), secrets={"rabbitmq.password": ASCII_PASSWORD})
    try:
        running.up()
        yield running
    finally:
        running.down()


def variables_of_caller(running: Running, kind: str) -> dict[str, str]:
    """What the client was given for this database, without its name in front."""
    given = dict(text.split("=", 1) for text in running.containers()["client"]["Config"]["Env"])
    prefix = f"{kind.upper()}_"
    return {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}


def answer(running: Running, service: str, *command: str) -> str:
    """Standard output, whatever the end was."""
    whole = ("docker", "compose", "--project-name", running.stack.name, "exec", "-T", service, *command)
    env = {**running.values, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(whole, cwd=running.folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def test_every_database_becomes_healthy(databases: Running) -> None:
    health = databases.health()
    assert health.pop("client") == "running"
    assert set(health.values()) == {"healthy"}
    assert set(KINDS) - set(health) <= set(WITHOUT_STAND_IN)


@pytest.mark.parametrize("kind", sorted(QUESTIONS))
def test_who_has_the_callers_variables_can_sign_in_and_nobody_else(databases: Running, kind: str) -> None:
    if kind not in databases.health():
        pytest.skip(f"{KINDS[kind].image} cannot be pulled here, and no package carries {kind}")
    known = variables_of_caller(databases, kind)
    assert known["PASSWORD"] == NASTY_PASSWORD
    wrong = {**known, "PASSWORD": "wrong", "URL": known["URL"].replace("p%24A", "wrong")}
    asked = [tuple(word.format(**values) for word in QUESTIONS[kind]) for values in (known, wrong)]
    assert ["signed in" in answer(databases, kind, *command) for command in asked] == [True, False]


# Programs for the client's container, as these servers' own clients are in no image here.
NATS = """
import json
link = socket.create_connection((url.hostname, url.port), 5)
link.sendall(f"CONNECT {json.dumps({'user': user, 'pass': password, 'verbose': False})}\\r\\nPING\\r\\n".encode())
text = b""
while not (b"PONG" in text or b"-ERR" in text):
    text += link.recv(4096)
print("signed in" if b"PONG" in text else "refused")
"""
# The handshake of AMQP 0-9-1: Start, Start-Ok, Tune (10.30), Tune-Ok and Open of the virtual host, Open-Ok (10.41).
RABBITMQ = """
import struct
link = socket.create_connection((url.hostname, url.port), 5).makefile("rwb", buffering=0)
short = lambda text: bytes([len(text)]) + text
def send(method, body):
    payload = struct.pack(">HH", 10, method) + body
    link.write(struct.pack(">BHL", 1, 0, len(payload)) + payload + bytes([206]))
def receive():
    try:
        head = link.read(7)
        return struct.unpack(">HH", link.read(struct.unpack(">BHL", head)[2] + 1)[:4]) if head else None
    except ConnectionResetError:
        return None
link.write(b"AMQP" + bytes([0, 0, 9, 1]))
receive()
secret = f"\\0{user}\\0{password}".encode()
send(11, struct.pack(">L", 0) + short(b"PLAIN") + struct.pack(">L", len(secret)) + secret + short(b"en_US"))
if receive() == (10, 30):
    send(31, struct.pack(">HLH", 100, 131072, 0))
    send(40, short(unquote(url.path[1:]).encode()) + bytes(2))
    print("signed in" if receive() == (10, 41) else "no such virtual host")
else:
    print("refused")
"""
COMMON = """
import os, socket, sys
from urllib.parse import urlsplit, unquote
url = urlsplit(os.environ[sys.argv[1]])
user, password = unquote(url.username), sys.argv[2] or unquote(url.password)
"""


@pytest.mark.parametrize(("variable", "program"), [("NATS_URL", NATS), ("RABBITMQ_URL", RABBITMQ)])
def test_a_program_signs_in_with_the_callers_url_and_with_no_other_password(
    databases: Running, variable: str, program: str
) -> None:
    asked = ("python", "-c", COMMON + program, variable)
    assert [answer(databases, "client", *asked, other) for other in ("", "wrong")] == ["signed in\n", "refused\n"]


def test_kafka_answers_under_the_name_it_tells_its_callers(databases: Running) -> None:
    brokers = dict(text.split("=", 1) for text in databases.containers()["client"]["Config"]["Env"])["KAFKA_BROKERS"]
    asked = ("/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", brokers)
    assert "kafka:9092 (id: 1 " in answer(databases, "kafka", *asked)


def test_mongodbs_health_check_is_a_program_that_node_can_read() -> None:
    """mongosh is Node.js; its image may be out of reach."""
    provide("node:24-slim")
    stack = stack_of(graph(node("db", DATABASE, databaseType="mongodb", database="shop-1", user="shop_1")))
    test = compose_of(stack)["services"]["db"]["healthcheck"]["test"]
    assert test[:4] == ["CMD", "mongosh", "--quiet", "mongodb://127.0.0.1:27017/shop-1"]
    program = json.dumps(test[-1].replace("$$", "$"))
    check = ("node", "-e", f"new (require('vm').Script)({program}); console.log('read')")
    assert run("docker", "run", "--rm", "node:24-slim", *check, folder=PROVISION) == "read\n"


# Under names that once were misread: a registry's port, and no release at all.
OTHER_NAMES = {"mirrored": "localhost:5999/library/postgres:17", "newest": "localhost:5999/library/postgres:latest"}


@pytest.fixture
def renamed(tmp_path: Path) -> Iterator[Running]:
    provide(KINDS["postgresql"].image)
    for image in OTHER_NAMES.values():
        run("docker", "tag", KINDS["postgresql"].image, image, folder=tmp_path)
    nodes = [node(name, DATABASE, databaseType="postgresql", image=image) for name, image in OTHER_NAMES.items()]
    running = prepare(graph(*nodes), {}, tmp_path / "stack", unique_name())
    try:
        yield running
    finally:
        running.down()
        run("docker", "rmi", *OTHER_NAMES.values(), folder=tmp_path)


def test_a_table_is_there_after_the_containers_were_removed(renamed: Running) -> None:
    ask = ("psql", "-U", "app", "-d", "app", "-tAc")
    renamed.up()
    for name in OTHER_NAMES:
        renamed.compose("exec", "-T", name, *ask, "CREATE TABLE orders AS SELECT 41 + 1 AS total")
    renamed.compose("down", "--timeout", "10")
    renamed.up()
    for name in OTHER_NAMES:
        assert answer(renamed, name, *ask, "SELECT total FROM orders") == "42\n"
