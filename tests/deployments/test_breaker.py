"""The circuit breaker by its clock: when a peer is left alone, and how it is tried again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deployments.clients.breaker import MAX_FAILURES, OPEN_SECONDS, CircuitBreaker


def opened() -> CircuitBreaker:
    """By failures at second 0."""
    breaker = CircuitBreaker()
    for _ in range(MAX_FAILURES):
        assert breaker.may_call(now=0)
        breaker.note_failure(now=0)
    return breaker


def test_only_failures_in_a_row_open_it() -> None:
    breaker = CircuitBreaker()
    for _ in range(3):
        for _ in range(MAX_FAILURES - 1):
            breaker.note_failure(now=0)
        assert breaker.may_call(now=0)
        breaker.note_success()
    assert breaker.may_call(now=0)


def test_it_is_open_for_its_time() -> None:
    breaker = opened()
    assert not breaker.may_call(now=OPEN_SECONDS - 0.1)
    assert breaker.may_call(now=OPEN_SECONDS)


def test_then_one_of_many_callers_tries() -> None:
    breaker = opened()
    with ThreadPoolExecutor(8) as threads:
        allowed = list(threads.map(lambda _: breaker.may_call(now=OPEN_SECONDS), range(40)))
    assert allowed.count(True) == 1


def test_a_try_that_fails_opens_it_again_and_one_that_succeeds_closes_it() -> None:
    breaker = opened()
    assert breaker.may_call(now=OPEN_SECONDS)
    breaker.note_failure(now=OPEN_SECONDS)
    assert not breaker.may_call(now=2 * OPEN_SECONDS - 0.1)
    assert breaker.may_call(now=2 * OPEN_SECONDS)
    breaker.note_success()
    assert all(breaker.may_call(now=2 * OPEN_SECONDS) for _ in range(3))
