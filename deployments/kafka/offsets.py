"""Which offsets may be committed while requests end in any order: never past one that is not answered."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Spot(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass
class _Partition:
    underway: dict[int, bool] = field(default_factory=dict)
    reached: int | None = None
    committed: int | None = None


class Offsets:
    """Safe for threads. An offset that is answered for a partition we no longer hold is ignored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: dict[Spot, _Partition] = {}

    def taken(self, spot: Spot, offset: int) -> None:
        with self._lock:
            self._partitions.setdefault(spot, _Partition()).underway[offset] = False

    def answered(self, spot: Spot, offset: int) -> None:
        with self._lock:
            partition = self._partitions.get(spot)
            if partition is None or offset not in partition.underway:
                return
            partition.underway[offset] = True
            while partition.underway:
                first = next(iter(partition.underway))
                if not partition.underway[first]:
                    break
                del partition.underway[first]
                partition.reached = first + 1

    def to_commit(self, spots: Iterable[Spot] | None = None) -> dict[Spot, int]:
        """The next offset to read of each partition (or of these) that has moved since it was last noted."""
        with self._lock:
            wanted = self._partitions if spots is None else set(spots) & set(self._partitions)
            found = {spot: self._partitions[spot] for spot in wanted}
            return {
                spot: partition.reached
                for spot, partition in found.items()
                if partition.reached is not None and partition.reached != partition.committed
            }

    def note_committed(self, offsets: dict[Spot, int]) -> None:
        with self._lock:
            for spot, offset in offsets.items():
                if spot in self._partitions:
                    self._partitions[spot].committed = offset

    def forget(self, spots: Iterable[Spot]) -> None:
        """Somebody else reads these now."""
        with self._lock:
            for spot in spots:
                self._partitions.pop(spot, None)
