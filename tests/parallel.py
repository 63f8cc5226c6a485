"""Which tests may run side by side: those that share a control plane, an image or a page server stay in one process."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Folders whose files share what is dear to start (a broker, peers, an application): they stay in one process.
TOGETHER = ("tests/contract/peers", "tests/kafka_api", "tests/stream", "tests/demo")
# What starts processes and containers, the longest first: begun first, and at most one such group for each core,
# or everything would wait for the processor and run out of time. See tests/README.md for what was measured.
HEAVY = (
    "tests/chaos",
    "tests/e2e",
    "tests/doors/browser",
    "tests/kafka_api",
    "tests/runner/commands",
    "tests/stackgen/docker",
    "tests/contract",
    "tests/runner",
    "tests/clusters",
    "tests/stream",
    "tests/demo",
    "tests/compose",
    "tests/attacks/host",
    "tests/docs",
)
HEAVY_AT_ONCE = os.cpu_count() or 2


def group_of(nodeid: str) -> str:
    """Return with whom a test stays: its folder, or its file."""
    path = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if path.startswith(f"{folder}/")), path)


def place_of(nodeid: str) -> int:
    """Return when a test begins: heavy ones in the order of HEAVY, the others after them."""
    places = (place for place, folder in enumerate(HEAVY) if nodeid.startswith(f"{folder}/"))
    return next(places, len(HEAVY))


def is_heavy(group: str) -> bool:
    return place_of(f"{group}/") < len(HEAVY)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist publishes no types
    """A process that has time takes the next group whole: the first ones a heavy group, the others a light one."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        takes_heavy = list(self.assigned_work).index(node) < HEAVY_AT_ONCE
        wanted = next((group for group in self.workqueue if is_heavy(group) is takes_heavy), None)
        if wanted is not None:
            self.workqueue.move_to_end(wanted, last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses tests of one name: side by side only one of them would be run, and nobody would miss the others."""
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"Several tests are named {twice[0]}.")
    items.sort(key=lambda item: place_of(item.nodeid))
