"""Which failures of a whole run are tried once more."""

from __future__ import annotations

import pytest

from tests.alone import MAX_CHANCE, names_to_try


def test_a_few_failures_are_tried_again() -> None:
    assert names_to_try(status=1, failed=["b", "a"]) == ["a", "b"]


@pytest.mark.parametrize("failed", [0, MAX_CHANCE + 1])
def test_none_and_many_are_not(failed: int) -> None:
    assert names_to_try(status=1, failed=[str(number) for number in range(failed)]) == []


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_a_run_that_was_broken_off_is_not(status: int) -> None:
    assert names_to_try(status=status, failed=["a"]) == []
