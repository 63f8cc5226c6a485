"""Which offsets may be committed while requests end in any order: never past one that is not answered."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from kafka import TopicPartition


@dataclass
class _Progress:
    """Of one partition: `underway` has the offsets in order, each with whether it is answered."""

    underway: dict[int, bool] = field(default_factory=dict)
    reached: int | None = None
    committed: int | None = None


class Offsets:
    """Safe for threads. An offset that is answered for a partition we no longer hold is ignored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: dict[TopicPartition, _Progress] = {}

    def note_taken(self, partition: TopicPartition, offset: int) -> None:
        with self._lock:
            self._partitions.setdefault(partition, _Progress()).underway[offset] = False

    def note_answered(self, partition: TopicPartition, offset: int) -> None:
        with self._lock:
            progress = self._partitions.get(partition)
            if progress is None or offset not in progress.underway:
                return
            progress.underway[offset] = True
            while progress.underway:
                first = next(iter(progress.underway))
                if not progress.underway[first]:
                    break
                del progress.underway[first]
                progress.reached = first + 1

    def to_commit(self, partitions: Iterable[TopicPartition] | None = None) -> dict[TopicPartition, int]:
        """Return the next offset to read of each partition (or of these) that has moved since the last commit."""
        with self._lock:
            chosen = self._partitions if partitions is None else set(partitions) & set(self._partitions)
            progress = {partition: self._partitions[partition] for partition in chosen}
            return {
                partition: moved.reached
                for partition, moved in progress.items()
                if moved.reached is not None and moved.reached != moved.committed
            }

    def note_committed(self, offsets: dict[TopicPartition, int]) -> None:
        with self._lock:
            for partition, offset in offsets.items():
                if partition in self._partitions:
                    self._partitions[partition].committed = offset

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Drop what is known of these: another consumer reads them now."""
        with self._lock:
            for partition in partitions:
                self._partitions.pop(partition, None)
