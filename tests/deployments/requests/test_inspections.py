"""A look at a server's containers that nobody answers, and what was told and nobody used."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from django.db.models import F

from agents.contracts.version import ADOPTION_PROTOCOL
from agents.models import Agent, CommandRecord
from agents.states import CommandStatus
from deployments.models import Adoption
from deployments.services.adoption import inspections
from tests.deployments.lane import Lane


def looked(lane: Lane) -> Adoption:
    """Asked for, and past its time."""
    asked = inspections.inspect_server(caller=lane.caller, server_id=lane.server.pk, adoption_id=uuid4())
    Adoption.objects.filter(pk=asked.id).update(deadline_at=F("requested_at"))
    return Adoption.objects.get(pk=asked.id)


def test_a_look_that_nobody_answers_ends_and_what_nobody_uses_is_forgotten(lane: Lane) -> None:
    now = datetime.now(UTC)
    Agent.objects.filter(pk=lane.agent.id).update(session_id=uuid4(), protocol=ADOPTION_PROTOCOL, last_seen_at=now)
    never_sent = looked(lane)
    assert inspections.expire() == 1
    never_sent.refresh_from_db()
    assert (never_sent.state, never_sent.message) == ("refused", inspections.NOT_SENT)
    assert CommandRecord.objects.get(pk=never_sent.pk).status == CommandStatus.WITHDRAWN
    sent = looked(lane)
    CommandRecord.objects.filter(pk=sent.pk).update(status=CommandStatus.SENT)
    assert inspections.expire() == 1
    sent.refresh_from_db()
    assert (sent.state, sent.message) == ("refused", inspections.NO_WORD)
    assert CommandRecord.objects.get(pk=sent.pk).status == CommandStatus.FINISHED
    told = looked(lane)
    Adoption.objects.filter(pk=told.pk).update(state="described", sealed="1:what was told")
    assert inspections.expire() == 1
    told.refresh_from_db()
    assert (told.state, told.sealed) == ("forgotten", "")
    assert inspections.expire() == 0
