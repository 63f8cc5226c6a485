"""Which tests may run side by side: those that share a control plane, an image or a page server stay in one process."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Folders and files that stay together, the longest first. Every other file stays together by itself.
TOGETHER = (
    "tests/chaos",
    "tests/e2e/faults",
    "tests/e2e",
    "tests/runner",
    "tests/contract",
    "tests/kafka_api",
    "tests/stream",
    "tests/demo",
    "tests/compose",
)


def group_of(nodeid: str) -> tuple[int, str]:
    """When a test begins, and with whom it stays."""
    path = nodeid.partition("::")[0]
    for place, group in enumerate(TOGETHER):
        if path.startswith(f"{group}/"):
            return place, group
    return len(TOGETHER), path


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist publishes no types
    """A process that has time takes the next group whole."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses tests of one name: side by side only one of them would be run, and nobody would miss the others."""
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"Several tests are named {twice[0]}.")
    items.sort(key=lambda item: group_of(item.nodeid)[0])
