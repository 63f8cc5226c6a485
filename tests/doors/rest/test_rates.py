"""Bounds on how often: requests, failures to be recognised, sign-ins, new tokens, sockets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from deployments.consumers.socket import TOO_MANY
from deployments.limits import connection_limit, rate_limit
from deployments.models import Deployment
from tests.doors.people import People
from tests.doors.sockets import Socket, close_connections

NOW = 1_900_000_000.0


def test_a_window_holds_its_rate_and_the_next_begins_anew() -> None:
    who = uuid4().hex
    waits = [rate_limit.hit(what="t", who=who, rate="3/min", now=NOW) for _ in range(5)]
    assert waits == [0, 0, 0, 20, 20]
    assert rate_limit.hit(what="t", who=who, rate="3/min", now=NOW + 20) == 0
    assert rate_limit.hit(what="t", who=uuid4().hex, rate="3/min", now=NOW) == 0


def test_several_at_once_get_no_more_than_the_rate() -> None:
    who = uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: rate_limit.hit(what="t", who=who, rate="10/day", now=NOW), range(40)))
    assert waits.count(0) == 10


def test_without_redis_nothing_is_refused(settings: Settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert [rate_limit.hit(what="t", who="w", rate="1/day", now=NOW) for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("text", ["", "5", "0/min", "5/week", "-1/s", "x/min"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        rate_limit.rate_of(text)


def test_guessing_tokens_becomes_slow(people: People, settings: Settings) -> None:
    settings.AXION_RATE_ANONYMOUS = "2/day"
    guesser = APIClient()
    guesser.credentials(HTTP_AUTHORIZATION=f"Token {uuid4().hex}")
    answers = [guesser.get("/api/projects") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert people.api("owner").get("/api/projects").status_code == 200


def test_new_tokens_are_bounded(people: People, settings: Settings) -> None:
    settings.AXION_RATE_TOKENS = "1/day"
    browser = people.browser("owner")
    assert [browser.post("/api/tokens").status_code for _ in range(2)] == [201, 429]
    assert browser.delete("/api/tokens").status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_sockets_of_one_user_are_bounded(people: People, deployment: Deployment, settings: Settings) -> None:
    settings.AXION_SOCKETS_PER_USER = 2
    address = f"/ws/deployments/{deployment.id}/"
    sockets = [Socket(address, token=people.tokens["owner"]) for _ in range(4)]
    assert [(await each.open())[0] for each in sockets[:2]] == [True, True]
    assert await sockets[2].open() == (False, TOO_MANY)
    other = Socket(address, token=people.tokens["viewer"])
    assert (await other.open())[0] is True
    await sockets[0].close()
    assert (await sockets[3].open())[0] is True
    for each in (sockets[1], sockets[3], other):
        await each.close()
    await close_connections()


async def test_a_seat_that_nobody_keeps_is_free_again(settings: Settings) -> None:
    settings.AXION_SOCKETS_PER_USER = 1
    user_id = uuid4()
    assert await connection_limit.acquire(user_id=user_id, connection_id="a", now=NOW) is True
    assert await connection_limit.acquire(user_id=user_id, connection_id="a", now=NOW + 30) is True
    assert await connection_limit.acquire(user_id=user_id, connection_id="b", now=NOW + 61) is False
    assert (
        await connection_limit.acquire(
            user_id=user_id, connection_id="b", now=NOW + 30 + connection_limit.LOST_AFTER + 1
        )
        is True
    )
