"""The servers that `make demo` brings along really run: as root, from wheels, in a folder with a very long path."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from axion_deploy.embedded.binaries import PostgresPrograms, RedisProgram, find_postgres, find_redis
from axion_deploy.embedded.errors import NotAvailable, NotReady
from axion_deploy.embedded.ports import free_port, is_free
from axion_deploy.embedded.postgres import EmbeddedPostgres
from axion_deploy.embedded.redis import EmbeddedRedis

# A Unix socket's path may have 107 bytes at most.
LONG = "a folder with spaces and a very long name, " * 4


@pytest.fixture
def long_folder(tmp_path: Path) -> Path:
    return tmp_path / LONG / LONG


def postgres_from(source: str) -> PostgresPrograms:
    programs = find_postgres(only=source)
    if programs is None:
        pytest.skip(f"no PostgreSQL from: {source}")
    return programs


def redis_from(source: str) -> RedisProgram:
    program = find_redis(only=source)
    if program is None:
        pytest.skip(f"no Redis from: {source}")
    return program


@pytest.fixture(params=["wheel", "path"])
def postgres(request: pytest.FixtureRequest, long_folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(programs=postgres_from(request.param), folder=long_folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["wheel", "path"])
def redis_server(request: pytest.FixtureRequest, long_folder: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(program=redis_from(request.param), folder=long_folder, durable=True)
    server.start()
    yield server
    server.stop()


def test_wheels_are_installed() -> None:
    """Else the tests of the wheels would be skipped silently."""
    assert find_postgres(only="wheel") is not None
    assert find_redis(only="wheel") is not None


def test_postgres_keeps_its_data_and_password_over_a_restart(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    url = postgres.url
    postgres.stop()
    postgres.start()
    assert postgres.url == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_postgres_comes_back_after_a_kill(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    postgres.kill()
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_postgres_refuses_a_wrong_password_and_other_addresses(postgres: EmbeddedPostgres) -> None:
    wrong = f"postgres://axion:wrong@127.0.0.1:{postgres.port}/axion"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    assert postgres.port is not None
    for address in foreign_addresses():
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, postgres.port), timeout=2)


def foreign_addresses() -> list[str]:
    found = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    ]
    return [address for address in found if not address.startswith("127.")]


def test_postgres_stops_fast_with_an_open_session(postgres: EmbeddedPostgres) -> None:
    pid, port = postgres.pid, postgres.port
    assert pid is not None
    assert port is not None
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    with psycopg.connect(postgres.url):
        postgres.stop(grace=5)
        assert [
            process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        ] == []
    assert is_free(port)


def test_a_password_file_is_private(postgres: EmbeddedPostgres, long_folder: Path) -> None:
    assert (long_folder / "password").stat().st_mode & 0o777 == 0o600
    password = (long_folder / "password").read_text()
    others = [path for path in long_folder.rglob("*") if path.is_file() and path != long_folder / "password"]
    assert [path for path in others if password.encode() in path.read_bytes()] == []


def test_redis_asks_for_the_password_and_remembers(redis_server: EmbeddedRedis) -> None:
    with Redis.from_url(redis_server.url) as client:
        client.set("kept", "7")
    with (
        Redis(port=redis_server.port or 0, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(AuthenticationError),
    ):
        stranger.ping()
    redis_server.kill()
    redis_server.start()
    with Redis.from_url(redis_server.url) as client:
        assert client.get("kept") == b"7"


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho no such option >&2\nexit 4\n")
    program.chmod(0o755)
    server = EmbeddedRedis(program=RedisProgram(redis_server=program, source="path"), folder=tmp_path / "redis")
    with pytest.raises(NotReady, match=r"(?s)code 4.*no such option"):
        server.start()


def test_a_preferred_port_is_taken_only_when_it_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(preferred=port) != port
    assert free_port(preferred=port) == port


def test_root_uses_another_user_where_user_namespaces_are_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has to become somebody else")
    which = shutil.which
    monkeypatch.setattr(
        "axion_deploy.embedded.unprivileged.shutil.which", lambda name: None if name == "unshare" else which(name)
    )
    # Not the test's own folder: only root may enter that one.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(programs=postgres_from("path"), folder=Path(folder) / "postgres")
        server.start()
        try:
            assert server.pid is not None
            assert psutil.Process(server.pid).uids().effective != 0
        finally:
            server.stop()


def test_root_without_any_way_gets_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("axion_deploy.embedded.unprivileged.shutil.which", lambda _: None)
    monkeypatch.setattr("axion_deploy.embedded.unprivileged.os.geteuid", lambda: 0)
    server = EmbeddedPostgres(programs=postgres_from("wheel"), folder=tmp_path)
    with pytest.raises(NotAvailable, match="refuses to run as root"):
        server.start()
