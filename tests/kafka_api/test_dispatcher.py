"""A database that is away for a moment costs a caller nothing but the moment. A dispatcher needs no broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.db import InterfaceError, InternalError, OperationalError

from deployments.kafka_api import dispatcher, handlers
from deployments.kafka_api.handlers import PATTERNS
from deployments.kafka_api.incoming import IncomingRecord
from deployments.kafka_api.replies import Answer
from deployments.types import Caller

GET = "deployment-service.getDeployment"
Handler = Callable[[handlers.Call], Mapping[str, Any]]


def ask(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> Answer:
    monkeypatch.setitem(PATTERNS, GET, handlers.Pattern(answer=handler))
    incoming = IncomingRecord(topic=GET, partition=0, offset=0, timestamp_ms=0, key=None, value=b"{}", headers={})
    caller = Caller(user_id=uuid4(), name="alice")
    return dispatcher.Dispatcher(identify=lambda *_: caller, health=dict).answer(incoming)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, InternalError])
def test_a_database_that_is_away_for_a_moment_is_asked_again(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [error("gone")] * (dispatcher.DATABASE_ATTEMPTS - 1)

    def handler(call: handlers.Call) -> Mapping[str, Any]:
        if failures:
            raise failures.pop()
        return {"data": 1}

    assert ask(handler, monkeypatch).body == {"status": 1, "data": 1, "result": {"data": 1}}


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, InternalError])
def test_a_database_that_stays_away_is_told_so_without_its_words(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def handler(call: handlers.Call) -> Mapping[str, Any]:
        tries.append(call)
        raise error("canary-12")

    answer = ask(handler, monkeypatch)
    assert (answer.code, len(tries)) == ("DATABASE_ERROR", dispatcher.DATABASE_ATTEMPTS)
    assert "canary-12" not in str(answer)
