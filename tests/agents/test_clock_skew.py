"""Both clocks are compared when an agent connects, and its server's page says when they differ."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from agents.condition import NOTICEABLE_SKEW_MS, skew_sentence
from agents.hello import Hello
from agents.models import Agent, Server
from agents.services import greeting
from deployments.models import User
from tests.agents.conftest import enrol

TEN_MINUTES_MS = 600_000


@pytest.mark.parametrize(
    ("skew_ms", "sentence"),
    [
        (None, ""),
        (NOTICEABLE_SKEW_MS - 1, ""),
        (1 - NOTICEABLE_SKEW_MS, ""),
        (8_999, "The server's clock is 8 s ahead of the control plane's. Times shown here are corrected."),
        (-605_000, "The server's clock is 10 min 5 s behind the control plane's. Times shown here are corrected."),
    ],
)
def test_what_is_said_of_a_clock(skew_ms: int | None, sentence: str) -> None:
    assert skew_sentence(skew_ms) == sentence


@pytest.mark.parametrize("ahead_ms", [TEN_MINUTES_MS, -TEN_MINUTES_MS, 0])
def test_the_clocks_are_compared_at_hello(client: Client, owner: User, server: Server, ahead_ms: int) -> None:
    registered = enrol(server)

    def connect(clock_ms: int) -> int | None:
        hello = Hello(clock_ms=clock_ms)
        greeting.greet(agent_id=registered.agent_id, credential=registered.credential, session_id=uuid4(), hello=hello)
        return Agent.objects.get().clock_skew_ms

    skew = connect(time.time_ns() // 1_000_000 + ahead_ms)
    assert skew is not None
    assert abs(skew - ahead_ms) < 2_000
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    client.force_login(owner)
    page = client.get(reverse("admin:agents_server_change", args=[server.pk])).content.decode()
    assert ("clock is" in page) is bool(ahead_ms)
    assert connect(0) is None, "an agent of before does not tell the time"
