"""An agent below the least protocol: it stays connected, its page says what to do, and it is given nothing new."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from agents.contracts.version import MINIMUM_PROTOCOL
from agents.models import Agent
from deployments.errors import Conflict, Invalid
from deployments.models import User
from deployments.services.requests import make_plan
from tests.deployments.lane import Lane

pytestmark = pytest.mark.django_db


def set_protocol(lane: Lane, protocol: int, *, version: str = "0.1.0") -> None:
    Agent.objects.filter(pk=lane.agent.pk).update(protocol=protocol, version=version)


@pytest.mark.parametrize("protocol", [1, MINIMUM_PROTOCOL - 1])
def test_it_is_refused_by_name_when_it_is_planned_asked_for_and_brought_back(lane: Lane, protocol: int) -> None:
    first = lane.deployed()
    second = lane.deployed()
    set_protocol(lane, protocol)
    for refused in (
        lambda: make_plan.plan_deployment(caller=lane.caller, request=lane.request()),
        lane.ask,
        lambda: lane.ask_rollback(second, to=first),
    ):
        with pytest.raises((Invalid, Conflict), match=rf"agent of {lane.server.name}, version 0\.1\.0, is too old"):
            refused()
    set_protocol(lane, MINIMUM_PROTOCOL)
    assert make_plan.plan_deployment(caller=lane.caller, request=lane.request())


def test_what_was_asked_for_before_it_was_known_ends_with_the_reason(lane: Lane) -> None:
    asked = lane.ask()
    set_protocol(lane, MINIMUM_PROTOCOL - 1, version="")
    ended = lane.start(asked)
    assert (ended.status, ended.reason) == ("failed", "invalid")
    assert "version unknown, is too old for this control plane" in ended.message


def test_one_that_has_not_connected_yet_is_waited_for(lane: Lane) -> None:
    set_protocol(lane, 1)
    Agent.objects.filter(pk=lane.agent.pk).update(last_seen_at=None)
    waiting = lane.start(lane.ask())
    assert (waiting.status, "has not connected yet" in waiting.message) == ("pending", True)


def test_its_page_says_so_and_offers_the_update(lane: Lane, owner: User, client: Client) -> None:
    owner.is_staff = True
    owner.save()
    client.force_login(owner)
    address = reverse("admin:agents_server_overview", args=[lane.server.pk])
    assert "too old for this control plane" not in client.get(address).content.decode()
    set_protocol(lane, MINIMUM_PROTOCOL - 1)
    page = client.get(address).content.decode()
    assert "too old for this control plane: it takes no new commands" in page
    assert "is available" in page
    assert "run the line of the server&#x27;s page once more there" in page
