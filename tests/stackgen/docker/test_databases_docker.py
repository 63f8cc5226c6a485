"""Each kind of database started for real, in a stack of its own: healthy, and open to who has its caller's variables.

Their official images where they can be pulled, else stand-ins of Debian's packages; in MySQL's place that is MariaDB,
under MySQL's variables and its client's name. A kind that cannot be started fails alone; one of WITHOUT_STAND_IN whose
image cannot be pulled is skipped.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from stackgen.databases.known import KINDS
from tests.servers.places import PROVISION
from tests.stackgen.docker.engine import MAX_IMAGES_SECONDS, ensure_images, needs_engine, run
from tests.stackgen.docker.sign_ins import PROGRAMS, QUESTIONS
from tests.stackgen.docker.stacks import NASTY_PASSWORD, Running, build_stack, unique_stack_name
from tests.stackgen.graphs import DATABASE, compose_of, graph, node, stack_of
from tests.stackgen.kinds import WITHOUT_STAND_IN, stand_in_of, stand_ins

pytestmark = [*needs_engine, pytest.mark.timeout(MAX_IMAGES_SECONDS)]
# RabbitMQ takes others from its environment for something else.
ASCII_PASSWORD = NASTY_PASSWORD.rstrip("é")
CLIENT_IMAGE = "python:3.13-slim"
MAX_STARTS = 4


def graph_of(kind: str) -> dict[str, object]:
    """Return a caller with one database, whose name, user and password are chosen where the kind has such."""
    named = {"database": "shop-1"} if KINDS[kind].default_database == "app" else {}
    user = {"user": "shop_1"} if KINDS[kind].default_user else {}
    return graph(
        node("client", image=CLIENT_IMAGE, command="sleep 1000", stopGraceSeconds="1"),
        node(kind, DATABASE, databaseType=kind, password=ASCII_PASSWORD, **named, **user),
        edges=[f"client {kind}"],
    )


def start(kind: str, folder: Path) -> Running:
    """Start the kind's stack and wait until it is healthy. Skip the test where its image cannot be had."""
    try:
        ensure_images(CLIENT_IMAGE, KINDS[kind].image)
    except AssertionError:
        if kind in WITHOUT_STAND_IN:
            pytest.skip(f"{KINDS[kind].image} cannot be pulled here, and {WITHOUT_STAND_IN[kind]}")
        raise
    secrets = {f"{kind}.password": ASCII_PASSWORD} if KINDS[kind].ascii_password else {}
    running = build_stack(graph_of(kind), {}, folder, unique_stack_name(), secrets=secrets)
    try:
        running.up()
    except BaseException:
        running.down()
        raise
    return running


@pytest.fixture(scope="module")
def starts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Running]]]:
    """Start the kinds that the chosen tests ask for, beside each other; each has a result of its own."""
    ours = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    chosen = {item.callspec.params.get("kind") for item in ours}
    kinds = [name for name in KINDS if name in chosen]
    with suppress(AssertionError):
        # Together they are sooner there; whose image is missing finds out by itself.
        ensure_images(CLIENT_IMAGE, *(KINDS[name].image for name in kinds if stand_in_of(KINDS[name]) in stand_ins()))
    with ThreadPoolExecutor(MAX_STARTS) as pool:
        futures = {name: pool.submit(start, name, tmp_path_factory.mktemp(name)) for name in kinds}
        yield futures
        list(pool.map(Running.down, [future.result() for future in futures.values() if future.exception() is None]))


@pytest.fixture
def database(kind: str, starts: Mapping[str, Future[Running]]) -> Running:
    """Return the started stack of this kind. Raise what went wrong with it, if anything did."""
    return starts[kind].result()


def variables_of_caller(running: Running, kind: str) -> dict[str, str]:
    """Return what the client was given for this database, without its name in front."""
    given = dict(text.split("=", 1) for text in running.containers()["client"]["Config"]["Env"])
    prefix = f"{kind.upper()}_"
    return {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}


def output_of(running: Running, service: str, *command: str) -> str:
    """Run a command in a service and return its standard output, whatever its exit code was."""
    whole = ("docker", "compose", "--project-name", running.stack.name, "exec", "-T", service, *command)
    env = {**running.values, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(whole, cwd=running.folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_it_becomes_healthy(database: Running, kind: str) -> None:
    assert database.health() == {"client": "running", kind: "healthy"}


@pytest.mark.parametrize("kind", sorted(QUESTIONS))
def test_who_has_the_callers_variables_can_sign_in_and_nobody_else(database: Running, kind: str) -> None:
    known = variables_of_caller(database, kind)
    assert known["PASSWORD"] == NASTY_PASSWORD
    wrong = {**known, "PASSWORD": "wrong", "URL": known["URL"].replace("p%24A", "wrong")}
    asked = [tuple(word.format(**values) for word in QUESTIONS[kind]) for values in (known, wrong)]
    assert ["signed in" in output_of(database, kind, *command) for command in asked] == [True, False]


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
def test_a_program_signs_in_with_the_callers_url_and_with_no_other_password(database: Running, kind: str) -> None:
    asked = ("python", "-c", PROGRAMS[kind], KINDS[kind].url_name)
    outputs = [output_of(database, "client", *asked, password) for password in ("", "wrong")]
    assert outputs == ["signed in\n", "refused\n"]


@pytest.mark.parametrize("kind", ["kafka"])
def test_kafka_answers_under_the_name_it_tells_its_callers(database: Running, kind: str) -> None:
    brokers = dict(text.split("=", 1) for text in database.containers()["client"]["Config"]["Env"])["KAFKA_BROKERS"]
    asked = ("/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", brokers)
    assert "kafka:9092 (id: 1 " in output_of(database, kind, *asked)


def test_mongodbs_health_check_is_a_program_that_node_can_read() -> None:
    """mongosh is Node.js; its image may be out of reach."""
    ensure_images("node:24-slim")
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
    ensure_images(KINDS["postgresql"].image)
    for image in OTHER_NAMES.values():
        run("docker", "tag", KINDS["postgresql"].image, image, folder=tmp_path)
    nodes = [node(name, DATABASE, databaseType="postgresql", image=image) for name, image in OTHER_NAMES.items()]
    running = build_stack(graph(*nodes), {}, tmp_path / "stack", unique_stack_name())
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
        assert output_of(renamed, name, *ask, "SELECT total FROM orders") == "42\n"


def test_postgresql_is_furnished_also_over_data_that_exists(tmp_path: Path) -> None:
    ensure_images(KINDS["postgresql"].image)
    name = unique_stack_name()
    asked = {"databaseType": "postgresql", "password": ASCII_PASSWORD, "database": "main", "user": "shop"}
    first = build_stack(graph(node("db", DATABASE, **asked)), {}, tmp_path / "one", name)
    first.up()
    last = first
    try:
        for number, more in enumerate(({"databases": "crm", "extensions": "pg_trgm"}, {"databases": "crm two"})):
            last = build_stack(graph(node("db", DATABASE, **asked, **more)), {}, tmp_path / str(number), name)
            last.up()
        ids = run("docker", "ps", "-q", "--filter", f"label=com.docker.compose.project={name}", folder=tmp_path).split()
        ask = ("docker", "exec", ids[0], "psql", "-U", "shop", "-tAc")
        found = run(*ask, "SELECT datname FROM pg_database ORDER BY 1", "main", folder=tmp_path).split()
        assert {"crm", "main", "two"} <= set(found)
        # Nothing that is taken out goes.
        for database in ("main", "crm"):
            assert (
                run(*ask, "SELECT extname FROM pg_extension", database, folder=tmp_path).split().count("pg_trgm") == 1
            )
    finally:
        last.down()
