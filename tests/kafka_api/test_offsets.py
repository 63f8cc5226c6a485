"""Offsets are committed in order while requests end in any order."""

from __future__ import annotations

import random

from kafka import TopicPartition

from deployments.kafka.offsets import Offsets

PARTITION = TopicPartition("topic", 0)


def taken(*offsets: int) -> Offsets:
    made = Offsets()
    for offset in offsets:
        made.note_taken(PARTITION, offset)
    return made


def test_nothing_is_committed_past_a_request_that_is_not_answered() -> None:
    offsets = taken(5, 6, 9)
    offsets.note_answered(PARTITION, 6)
    offsets.note_answered(PARTITION, 9)
    assert offsets.to_commit() == {}
    offsets.note_answered(PARTITION, 5)
    assert offsets.to_commit() == {PARTITION: 10}


def test_what_was_committed_is_not_committed_again() -> None:
    offsets = taken(1)
    offsets.note_answered(PARTITION, 1)
    offsets.note_committed(offsets.to_commit())
    assert offsets.to_commit() == {}


def test_an_answer_for_a_partition_that_is_gone_is_ignored() -> None:
    offsets = taken(1, 2)
    offsets.forget([PARTITION])
    offsets.note_answered(PARTITION, 1)
    assert offsets.to_commit() == {}


def test_in_any_order_the_commit_is_the_first_gap() -> None:
    for seed in range(50):
        order = list(range(20))
        random.Random(seed).shuffle(order)
        offsets = taken(*range(20))
        for count, offset in enumerate(order, start=1):
            offsets.note_answered(PARTITION, offset)
            first_gap = min(set(range(21)) - set(order[:count]))
            assert offsets.to_commit().get(PARTITION, 0) == first_gap
