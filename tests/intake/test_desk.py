"""A database that is away for a moment costs a caller nothing but the moment. No broker is needed to ask a desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.db import InterfaceError, InternalError, OperationalError

from deployments.intake import desk, patterns
from deployments.intake.answers import Answer
from deployments.intake.messages import Incoming
from deployments.intake.patterns import PATTERNS
from deployments.types import Caller

GET = "deployment-service.getDeployment"
Handler = Callable[[patterns.Call], Mapping[str, Any]]


def ask(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> Answer:
    monkeypatch.setitem(PATTERNS, GET, patterns.Pattern(answer=handler))
    incoming = Incoming(topic=GET, partition=0, offset=0, timestamp_ms=0, key=None, value=b"{}", headers={})
    caller = Caller(user_id=uuid4(), name="alice")
    return desk.Desk(identify=lambda *_: caller, health=dict).answer(incoming)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, InternalError])
def test_a_database_that_is_away_for_a_moment_is_asked_again(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [error("gone")] * (desk.DATABASE_ATTEMPTS - 1)

    def handler(call: patterns.Call) -> Mapping[str, Any]:
        if failures:
            raise failures.pop()
        return {"data": 1}

    assert ask(handler, monkeypatch).body == {"status": 1, "data": 1, "result": {"data": 1}}


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, InternalError])
def test_a_database_that_stays_away_is_told_so_without_its_words(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def handler(call: patterns.Call) -> Mapping[str, Any]:
        tries.append(call)
        raise error("canary-12")

    answer = ask(handler, monkeypatch)
    assert (answer.code, len(tries)) == ("DATABASE_ERROR", desk.DATABASE_ATTEMPTS)
    assert "canary-12" not in str(answer)
