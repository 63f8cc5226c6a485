"""Fixtures for all tests, and which tests may run side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.own_kafka import OwnKafka

TESTS = Path(__file__).parent
# Tests of one folder share a control plane, an image or a page server: they stay in one process. The longest go first.
TOGETHER = ("e2e/faults", "e2e", "contract", "runner", "unit/stackgen/test_docker.py", "demo", "compose")


@pytest.fixture(scope="session")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnKafka]:
    """A running broker of this test process alone; who kills it starts it again. Mark tests xdist_group("kafka")."""
    broker = OwnKafka(folder=tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


# Before pytest-xdist reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the group that pytest-xdist keeps in one process, unless it names one itself."""
    places = {item: place_of(item) for item in items}
    for item, (_, group) in places.items():
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: places[item][0])


def place_of(item: pytest.Item) -> tuple[int, str]:
    """When a test begins, and its group: a folder of TOGETHER, or else its file."""
    path = item.path.relative_to(TESTS).as_posix()
    for place, group in enumerate(TOGETHER):
        if path == group or path.startswith(f"{group}/"):
            return place, group
    return len(TOGETHER), path
