"""The sample application end to end: real processes, real PostgreSQL, real Redis, and bad days for each of them."""

from __future__ import annotations

import json
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from tests.demo.voting import SAMPLE, Voting, ask, eventually


def expect(voting: Voting, *, mountains: int, sea: int, seconds: float = 15.0) -> None:
    wanted = {"mountains": mountains, "sea": sea}
    eventually(lambda: voting.counts() == wanted, seconds=seconds, what=f"counts {wanted}")


def test_a_vote_is_counted_and_can_be_changed(voting: Voting) -> None:
    first = voting.cast("sea")
    assert (first.status, first.json()) == (202, {"accepted": True, "choice": "sea"})
    expect(voting, mountains=0, sea=1)
    voter = re.search(r"voter=[0-9a-f]{32}", first.headers.as_string())
    assert voter is not None
    assert voting.cast("mountains", cookie=voter.group()).status == 202
    expect(voting, mountains=1, sea=0)
    assert voting.cast("mountains").status == 202
    expect(voting, mountains=2, sea=0)


def test_the_form_leads_back_to_a_page_that_shows_the_choice(voting: Voting) -> None:
    answer = ask(f"{voting.vote_url}/cast", data=b"choice=sea")
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    page = ask(f"{voting.vote_url}/", headers={"Cookie": "choice=sea"}).body
    assert 'value="sea" aria-pressed="true"' in page
    assert 'value="mountains" aria-pressed="false"' in page
    assert "You voted for the sea" in page


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"choice": "desert"}', b'{"choice": ["sea"]}', b"x" * 10_000])
def test_nonsense_is_refused(voting: Voting, body: bytes) -> None:
    assert ask(f"{voting.vote_url}/cast", data=body, headers={"Content-Type": "application/json"}).status == 400


def test_a_cookie_cannot_put_markup_on_the_page(voting: Voting) -> None:
    page = ask(f"{voting.vote_url}/", headers={"Cookie": 'choice="<script>"; voter=<b>'}).body
    assert "<script>" not in page


def test_pages_use_relative_addresses_only(voting: Voting) -> None:
    """The gateway may serve them under any path."""
    for url in (voting.vote_url, voting.result_url):
        links = re.findall(r'(?:href|src|action)="([^"]*)"', ask(f"{url}/").body)
        assert len(links) >= 3
        assert [link for link in links if link.startswith(("/", "http"))] == []


def test_votes_cast_at_the_same_time_are_all_counted(voting: Voting) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(voting.cast, ["sea", "mountains", "sea"] * 40))
    assert {answer.status for answer in answers} == {202}
    expect(voting, mountains=40, sea=80)


def test_a_worker_killed_with_votes_in_hand_loses_none_and_counts_none_twice(voting: Voting) -> None:
    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            pool.map(voting.cast, ["sea"] * 20)
            voting.worker.kill()
        voting.worker.start()
    expect(voting, mountains=0, sea=60)
    with Redis.from_url(voting.redis.url) as client:
        eventually(lambda: client.llen("votes:taken") == 0, what="nothing left in the worker's hands")


def test_votes_that_a_dead_worker_had_taken_are_counted(voting: Voting) -> None:
    voting.worker.kill()
    taken = [json.dumps({"voter": f"voter {n}", "choice": "sea", "cast_at": n}) for n in range(3)]
    with Redis.from_url(voting.redis.url) as client:
        client.lpush("votes:taken", *taken)
    voting.worker.start()
    expect(voting, mountains=0, sea=3)


def test_an_older_vote_that_arrives_late_changes_nothing(voting: Voting) -> None:
    with Redis.from_url(voting.redis.url) as client:
        for choice, cast_at in (("sea", 20), ("mountains", 10)):
            client.lpush("votes", json.dumps({"voter": "one", "choice": choice, "cast_at": cast_at}))
        eventually(lambda: client.llen("votes") + client.llen("votes:taken") == 0, what="both are stored")
    assert voting.counts() == {"mountains": 0, "sea": 1}


def test_a_restart_of_postgresql_is_survived(voting: Voting) -> None:
    voting.postgres.kill()
    assert voting.cast("sea").status == 202
    assert voting.health(voting.vote_url) == 200
    assert voting.health(voting.result_url) == 503
    eventually(lambda: voting.health(voting.worker_url) == 503, what="the worker says that it cannot work")
    voting.postgres.start()
    expect(voting, mountains=0, sea=1, seconds=30)
    eventually(lambda: voting.health(voting.worker_url) == 200, what="the worker is well again")


def test_a_restart_of_redis_is_survived_and_a_vote_that_was_not_taken_is_not_promised(voting: Voting) -> None:
    assert voting.cast("sea").status == 202
    voting.redis.kill()
    refused = voting.cast("sea")
    assert (refused.status, refused.json()["accepted"]) == (503, False)
    assert voting.health(voting.vote_url) == 503
    voting.redis.start()
    assert voting.cast("sea").status == 202
    expect(voting, mountains=0, sea=2, seconds=30)


def test_an_unreadable_ballot_is_put_aside_and_holds_up_nobody(voting: Voting) -> None:
    bad = [
        b"{",
        b'"sea"',
        b'{"voter": "a\\u0000", "choice": "sea", "cast_at": 1}',
        b'{"voter": "\\ud800", "choice": "x", "cast_at": 1}',
    ]
    with Redis.from_url(voting.redis.url) as client:
        client.lpush("votes", *bad)
        voting.cast("mountains")
        expect(voting, mountains=1, sea=0)
        assert sorted(client.lrange("votes:rejected", 0, -1)) == sorted(bad)


def test_an_open_page_hears_of_each_vote(voting: Voting) -> None:
    with urllib.request.urlopen(f"{voting.result_url}/events", timeout=15) as stream:
        assert next_total(stream) == 0
        voting.cast("sea")
        assert next_total(stream) == 1


def next_total(stream: object) -> int:
    for line in stream:  # type: ignore[attr-defined]
        if line.startswith(b"data: "):
            return int(json.loads(line[6:])["total"])
    raise AssertionError("the stream ended")


def test_every_service_ends_cleanly_when_asked(voting: Voting) -> None:
    with urllib.request.urlopen(f"{voting.result_url}/events", timeout=15):
        for child in voting.services.values():
            assert child.stop(grace=5), f"{child.name} had to be killed"
            assert child.exit_code == 0, child.tail()


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((SAMPLE / "result" / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
