"""Guessing passwords and tokens, and keeping others out by it. Run by a script that nobody knows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any, cast
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from agents import addresses
from agents.backoff import Backoff
from agents.transport import callers
from axion_deploy.forwarded import apply_forwarded
from deployments.limits import sign_in_tries
from deployments.limits.sign_in_tries import Try
from tests.doors.people import People

NOW = 1_900_000_000.0
PROXY = "192.0.2.80"
SCRIPT, OPS = "198.51.100.9", "203.0.113.7"


@pytest.fixture
def behind_a_proxy(settings: Settings) -> None:
    settings.AXION_TRUSTED_PROXIES = (ip_network(PROXY),)


def sign_in(*, name: str = "owner", password: str = "guess", peer: str = PROXY, forwarded: str = "") -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    wish = {"username": name, "password": password}
    return Client(REMOTE_ADDR=peer, headers=headers).post("/admin/login/?next=/admin/", wish).status_code


RIGHT = "correct horse"


@pytest.mark.usefixtures("behind_a_proxy")
def test_a_script_behind_the_same_proxy_keeps_nobody_out(people: People, settings: Settings) -> None:
    settings.AXION_RATE_SIGN_IN = "4/day"
    guesses = [sign_in(name=f"name-{number}", forwarded=SCRIPT) for number in range(6)]
    assert guesses == [200, 200, 200, 200, 429, 429]
    assert sign_in(password=RIGHT, forwarded=OPS) == 302


def test_guessing_one_name_from_everywhere_keeps_its_owner_in(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_tries, "MAX_CALM_FAILURES", 10)
    for number in range(12):
        assert sign_in(peer=f"10.0.0.{number}") == 200
    under_attack = [sign_in(peer="10.0.1.1") for _ in range(3)]
    assert under_attack == [200, 200, 429], "a guesser has fewer tries while the name is attacked"
    assert sign_in(password=RIGHT, peer=OPS) == 302


def test_guessing_at_one_place_becomes_slow_and_successes_do_not_count(people: People, settings: Settings) -> None:
    settings.AXION_RATE_SIGN_IN = "8/day"
    assert [sign_in(password=RIGHT, peer=OPS) for _ in range(12)] == [302] * 12
    assert [sign_in(peer=SCRIPT) for _ in range(sign_in_tries.FREE_TRIES + 1)] == [200] * sign_in_tries.FREE_TRIES + [
        429
    ]
    assert sign_in(password=RIGHT, peer=SCRIPT) == 429, "also with the right guess"
    assert sign_in(password=RIGHT, peer=OPS) == 302


@pytest.mark.parametrize("password", [RIGHT, "guess"])
def test_a_forged_address_is_not_believed(people: People, settings: Settings, password: str) -> None:
    settings.AXION_RATE_SIGN_IN = "3/day"
    names = [f"name-{number}" for number in range(4)]
    answers = [sign_in(name=name, peer=SCRIPT, forwarded=f"10.9.9.{number}") for number, name in enumerate(names)]
    assert answers == [200, 200, 200, 429]


def test_forged_addresses_do_not_help_to_guess_tokens(settings: Settings, db: None) -> None:
    settings.AXION_RATE_ANONYMOUS = "3/day"

    def guess(forwarded: str, peer: str) -> int:
        headers = {"Authorization": f"Token {uuid4().hex}", "X-Forwarded-For": forwarded}
        return APIClient(REMOTE_ADDR=peer).get("/api/projects", headers=headers).status_code

    assert [guess(f"10.0.0.{number}", SCRIPT) for number in range(5)] == [401, 401, 401, 429, 429]
    settings.AXION_TRUSTED_PROXIES = (ip_network(PROXY),)
    # The client may write the header, too: what counts is what the proxy added.
    assert [guess(f"10.0.0.{number}, 198.51.100.77", PROXY) for number in range(5)] == [401, 401, 401, 429, 429]
    assert guess("198.51.100.78", PROXY) == 401


def test_pauses_grow_and_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_tries, "PAUSES", Backoff(first=2, most=6))
    tried = Try(name=uuid4().hex, address=uuid4().hex)
    assert [sign_in_tries.begin(tried, now=NOW) for _ in range(sign_in_tries.FREE_TRIES)] == [
        0
    ] * sign_in_tries.FREE_TRIES
    waits = []
    for _ in range(4):
        waits.append(sign_in_tries.begin(tried, now=NOW))
        # Redis forgets by its own clock; here the pause is over.
        cache.delete(tried.pause)
        assert sign_in_tries.begin(tried, now=NOW) == 0
    assert waits == [2, 4, 6, 6]


def test_many_tries_at_once_are_no_more_than_one_after_the_other() -> None:
    tried = Try(name=uuid4().hex, address=uuid4().hex)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: sign_in_tries.begin(tried, now=NOW), range(60)))
    assert waits.count(0) == sign_in_tries.FREE_TRIES


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        (SCRIPT, "", SCRIPT),
        (SCRIPT, "10.0.0.1", SCRIPT),
        (PROXY, "", PROXY),
        (PROXY, "203.0.113.7", OPS),
        (PROXY, "1.1.1.1, 203.0.113.7", OPS),
        (PROXY, f"1.1.1.1, 203.0.113.7, {PROXY}", OPS),
        (PROXY, "203.0.113.7:4711", OPS),
        (PROXY, "[2001:db8::7]:443", "2001:db8::7"),
        (PROXY, "nonsense", PROXY),
        (PROXY, "203.0.113.7, nonsense", PROXY),
        (PROXY, PROXY, PROXY),
        (f"::ffff:{PROXY}", "203.0.113.7", OPS),
        ("", "203.0.113.7", ""),
        (PROXY, ", ".join(["203.0.113.7"] * 10_000), OPS),
        (PROXY, ", ".join([OPS, *[PROXY] * addresses.MAX_HOPS]), PROXY),
    ],
)
def test_whose_address_counts(peer: str, forwarded: str, found: str) -> None:
    assert addresses.client_of(peer=peer, forwarded=forwarded, trusted=(ip_network(PROXY),)) == found


def test_who_has_one_ipv6_address_has_them_all() -> None:
    keys = {addresses.counting_key(f"2001:db8:1:2::{number:x}") for number in range(50)}
    assert keys == {"2001:db8:1:2::/64"}
    assert addresses.counting_key("2001:db8:1:3::1") not in keys
    assert addresses.counting_key("::ffff:192.0.2.1") == addresses.counting_key("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(("peer", "client", "scheme"), [(PROXY, OPS, "https"), (SCRIPT, SCRIPT, "http")])
def test_the_access_log_and_the_scheme_follow_the_same_rule(
    settings: Settings, peer: str, client: str, scheme: str
) -> None:
    settings.AXION_TRUSTED_PROXIES = (ip_network(PROXY),)
    named = [(b"x-forwarded-for", OPS.encode()), (b"x-forwarded-proto", b"http, https"), (b"host", b"x")]
    scope: dict[str, Any] = {"type": "http", "client": (peer, 4711), "scheme": "http", "headers": named}
    apply_forwarded(scope)
    assert (scope["client"][0], scope["scheme"]) == (client, scheme)
    left = dict(scope["headers"])
    assert left.get(b"x-forwarded-proto") == (b"https" if peer == PROXY else None)


def test_passwords_that_are_easy_are_refused(monkeypatch: pytest.MonkeyPatch, people: People) -> None:
    monkeypatch.setenv("AXION_DEMO_PASSWORD", "12345678")
    with pytest.raises(CommandError, match="AXION_DEMO_PASSWORD"):
        call_command("bootstrap_demo")
    browser = people.browser("root")
    new = {"old_password": RIGHT, "new_password1": "password", "new_password2": "password"}
    assert browser.post("/admin/password_change/", new).status_code == 200
    better = {**new, "new_password1": "tall-oak-43-river", "new_password2": "tall-oak-43-river"}
    assert browser.post("/admin/password_change/", better).status_code == 302


class Call:
    """As much of a gRPC call as tells where it comes from."""

    def __init__(self, peer: str, forwarded: str) -> None:
        self._peer, self._metadata = peer, ((callers.FORWARDED, forwarded),) if forwarded else ()

    def peer(self) -> str:
        return self._peer

    def invocation_metadata(self) -> Any:
        return self._metadata


@pytest.mark.usefixtures("behind_a_proxy")
@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        (f"ipv4:{SCRIPT}:4711", "", SCRIPT),
        (f"ipv4:{SCRIPT}:4712", "10.0.0.1", SCRIPT),
        (f"ipv4:{PROXY}:4711", f"10.0.0.1, {OPS}", OPS),
        ("ipv6:%5B2001:db8::7%5D:4711", "", "2001:db8::/64"),
        ("ipv6:[2001:db8::8]:4711", "", "2001:db8::/64"),
    ],
)
def test_tries_to_enrol_are_counted_by_the_same_rule(peer: str, forwarded: str, counted: str) -> None:
    assert callers.address_of(cast("Any", Call(peer, forwarded))) == counted
