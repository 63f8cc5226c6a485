"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import TransactionTestCase
from whitenoise.middleware import WhiteNoiseMiddleware

from agents.models import Server
from deployments.models import Project, User
from tests import factories
from tests.emptying import empty_tables
from tests.servers.migrated import template_database
from tests.servers.own_kafka import OwnKafka


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how many clicks and seconds people's tasks took, whichever process measured them."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [str(line) for report in reports for name, line in report.user_properties if name == "task"]
    if lines:
        terminalreporter.write_sep("-", "tasks of people, in a browser")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Copy a migrated database for each process; a test may wait for long inside the transaction that is undone."""
    connection.settings_dict["OPTIONS"].pop("options", None)
    connection.settings_dict["TEST"]["TEMPLATE"] = template_database(os.environ["DATABASE_URL"])


@pytest.fixture(scope="session", autouse=True)
def empty_tables_by_deleting() -> Iterator[None]:
    """Let tests that commit leave empty tables in 0.01 s instead of 0.5 s (TRUNCATE makes a new file for each)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty_tables())
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Let each test's client know what the first one found: to look for all static files costs as much as a page."""
    look, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, object]()

    def take_over(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", take_over)
        yield


@pytest.fixture(scope="session")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnKafka]:
    """A running broker of this test process alone; who kills it starts it again."""
    broker = OwnKafka(folder=tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def owner(db: None) -> User:
    """Whose project and server these are; some parts of the tests have their own."""
    return factories.make_user("alice")


@pytest.fixture
def stranger(db: None) -> User:
    return factories.make_user("mallory")


@pytest.fixture
def project(owner: User) -> Project:
    return factories.make_project(owner)


@pytest.fixture
def server(owner: User) -> Server:
    return factories.make_server(owner)
