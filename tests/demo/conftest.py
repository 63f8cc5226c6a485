"""Fixtures of the demo's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from axion_deploy.embedded.binaries import find_postgres, find_redis
from axion_deploy.embedded.postgres import EmbeddedPostgres
from axion_deploy.embedded.redis import EmbeddedRedis
from tests.demo.voting import Voting, install_result


@pytest.fixture(scope="session")
def result_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_result(tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="session")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    programs = find_postgres()
    assert programs is not None
    server = EmbeddedPostgres(programs=programs, folder=tmp_path_factory.mktemp("postgres"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def running_voting(
    own_postgres: EmbeddedPostgres, result_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Voting]:
    program = find_redis()
    assert program is not None
    folder = tmp_path_factory.mktemp("voting")
    redis = EmbeddedRedis(program=program, folder=folder / "redis", durable=True)
    redis.start()
    application = Voting(folder=folder, result_folder=result_folder, postgres=own_postgres, redis=redis)
    try:
        application.start()
        yield application
    finally:
        application.stop()
        redis.stop()


@pytest.fixture
def voting(running_voting: Voting) -> Voting:
    """The running application without any votes, whatever the test before did to it."""
    running_voting.start()
    running_voting.forget_votes()
    return running_voting
