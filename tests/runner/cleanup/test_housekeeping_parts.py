"""Each part of the agent's housekeeping by itself: one that fails keeps the others from nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from agents.runner.cleanup.loop import Housekeeper

PARTS = ("_clean_up_if_due", "_reset_gateways", "_send_inventory")


@pytest.mark.parametrize("broken", PARTS)
def test_a_part_that_fails_keeps_no_other(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def part(name: str) -> Any:
        def act(_: Housekeeper) -> None:
            if name == broken:
                raise KeyError(name)
            done.append(name)

        act.__name__ = name
        return act

    for name in PARTS:
        monkeypatch.setattr(Housekeeper, name, part(name))
    keeper = Housekeeper.__new__(Housekeeper)
    keeper._stopping = threading.Event()
    keeper._run_parts()
    assert done == [name for name in PARTS if name != broken]
