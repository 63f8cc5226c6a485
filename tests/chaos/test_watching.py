"""The watcher of the storm: what it says is broken is broken, however seldom it could look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from deployments.states import Reason, Status
from tests.chaos.installation import SETTINGS, Installation
from tests.chaos.watching import Watcher

DEADLINE = float(SETTINGS["AXION_DEPLOY_DEADLINE"])


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([0, 1, DEADLINE + 1], 0),
        # It began right after the first look and was seen half a minute later.
        ([0, 30, DEADLINE + 1], 0),
        # Begun after 29 s at the earliest.
        ([29, 30, DEADLINE + 1], 1),
        ([0, 1, 60], 1),
    ],
)
def test_only_what_certainly_expired_too_early_is_said(looks: list[float], said: int) -> None:
    seen = [
        [("d", Status.PENDING, "", False)],
        [("d", Status.IN_PROGRESS, "", False)],
        [("d", Status.FAILED, Reason.EXPIRED, False)],
    ]
    rows, times = iter(seen), iter([each for each in looks for _ in range(2)])
    plane = cast(Installation, SimpleNamespace(sql=lambda _: next(rows)))
    watcher = Watcher(plane=plane, clock=lambda: next(times))
    for _ in looks:
        watcher.look()
    assert len(watcher.broken) == said, watcher.broken
