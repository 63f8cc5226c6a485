"""What changes and changes back within a moment is not worth a word: what is told has lasted two looks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.contracts import runner_pb2 as pb

Containers = Mapping[str, pb.ContainerSeen]
# One that is never the same twice is told as it is then.
MAX_LOOKS = 3


@dataclass(slots=True)
class Damping:
    """Holds back what was seen once. `told` is what lasted; None before the first look, which counts at once."""

    told: dict[str, pb.ContainerSeen] | None = None
    _last: dict[str, pb.ContainerSeen] = field(default_factory=dict)
    _looks: dict[str, int] = field(default_factory=dict)

    def take(self, seen: Containers) -> bool:
        """Take in a look at everything; whether another one is needed to tell what lasts."""
        if self.told is None:
            self.told = dict(seen)
        else:
            for container_id in self.told.keys() | seen.keys():
                self._judge(container_id, seen.get(container_id))
        self._last = dict(seen)
        return bool(self._looks)

    def _judge(self, container_id: str, now: pb.ContainerSeen | None) -> None:
        assert self.told is not None
        if self.told.get(container_id) == now:
            self._looks.pop(container_id, None)
            return
        looks = self._looks.get(container_id, 0) + 1
        lasted = looks > 1 and self._last.get(container_id) == now
        if lasted or looks >= MAX_LOOKS:
            self._looks.pop(container_id, None)
            self._replace(container_id, now)
        else:
            self._looks[container_id] = looks

    def _replace(self, container_id: str, now: pb.ContainerSeen | None) -> None:
        assert self.told is not None
        if now is None:
            self.told.pop(container_id, None)
        else:
            self.told[container_id] = now
