"""The circuit breaker by its clock: when a peer is left alone, and how it is tried again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deployments.clients.breaker import FAILURES, REST_SECONDS, Breaker


def opened() -> Breaker:
    """By failures at second 0."""
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.may_call(now=0)
        breaker.note_failure(now=0)
    return breaker


def test_only_failures_in_a_row_open_it() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.note_failure(now=0)
        assert breaker.may_call(now=0)
        breaker.note_success()
    assert not breaker.rests(now=0)


def test_it_rests_for_its_time() -> None:
    breaker = opened()
    assert breaker.rests(now=REST_SECONDS - 0.1)
    assert not breaker.may_call(now=REST_SECONDS - 0.1)
    assert breaker.may_call(now=REST_SECONDS)


def test_after_the_rest_one_of_many_callers_tries() -> None:
    breaker = opened()
    with ThreadPoolExecutor(8) as threads:
        allowed = list(threads.map(lambda _: breaker.may_call(now=REST_SECONDS), range(40)))
    assert allowed.count(True) == 1


def test_a_try_that_fails_costs_another_rest_and_one_that_succeeds_closes_it() -> None:
    breaker = opened()
    assert breaker.may_call(now=REST_SECONDS)
    breaker.note_failure(now=REST_SECONDS)
    assert not breaker.may_call(now=2 * REST_SECONDS - 0.1)
    assert breaker.may_call(now=2 * REST_SECONDS)
    breaker.note_success()
    assert all(breaker.may_call(now=2 * REST_SECONDS) for _ in range(3))
