"""A node keeps which command changed it last, so that an agent which comes back late changes it no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agents.runner.docker.swarm import LABEL_CHANGE, EngineSwarm, add_nodes, described

LANE = "cluster:of-ours"


class OneNode:
    """What Docker's client for Python tells and takes of a manager's only other node."""

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {"Role": "worker", "Availability": "active", "Labels": {"shelf": "top"}}
        self.version = 1

    def inspect_node(self, _: str) -> dict[str, Any]:
        return {"ID": "n", "Spec": dict(self.spec), "Version": {"Index": self.version}}

    def update_node(self, _: str, version: int, spec: dict[str, Any]) -> None:
        assert version == self.version
        self.spec, self.version = spec, version + 1


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> OneNode:
    made = OneNode()

    @contextmanager
    def asked(_: EngineSwarm, seconds: float = 0) -> Iterator[OneNode]:
        yield made

    monkeypatch.setattr(EngineSwarm, "_asked", asked)
    return made


def change(availability: str, *, number: int, lane: str = LANE) -> bool:
    swarm = EngineSwarm(engine=None)  # type: ignore[arg-type]
    return swarm.update_node("n", role="", availability=availability, stamp=(lane, number))


def test_whoever_is_late_changes_nothing(node: OneNode) -> None:
    assert change("drain", number=4)
    assert change("active", number=11)
    assert not change("drain", number=4)
    assert node.spec["Availability"] == "active"
    # The same command once more, and one of another cluster's lane.
    version = node.version
    assert change("active", number=11)
    assert node.version == version
    assert change("drain", number=1, lane="cluster:another")
    assert (node.spec["Availability"], node.spec["Labels"]["shelf"]) == ("drain", "top")


def test_the_mark_is_not_told_as_a_label(node: OneNode) -> None:
    change("drain", number=4)
    assert LABEL_CHANGE in node.spec["Labels"]
    seen = described({})
    add_nodes(seen, [node.inspect_node("n")])
    assert dict(seen.nodes[0].labels) == {"shelf": "top"}
