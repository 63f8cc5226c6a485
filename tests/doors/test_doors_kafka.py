"""The patterns by everybody: the table, asked at the dispatcher that every consumer has. It needs no broker."""

from __future__ import annotations

import json
import time

import pytest
from django.db import transaction

from deployments.clients.auth import validate_session
from deployments.kafka_api import handlers
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.identity import by_session
from deployments.kafka_api.incoming import IncomingRecord
from tests.doors.kafka_table import PATTERNS
from tests.doors.scene import Scene
from tests.doors.table import PEOPLE

ADDRESS = {"kafka_correlationId": b"c", "kafka_replyTopic": b"x.reply", "kafka_replyPartition": b"0"}


def asked(dispatcher: Dispatcher, pattern: str, scene: Scene, who: str) -> str:
    """The answer's code; what the request did is undone."""
    token = scene.token(who)
    body = {**scene.fill(PATTERNS[pattern][0]), "metadata": {"sessionToken": token} if token else {}}
    incoming = IncomingRecord(
        topic=pattern,
        partition=0,
        offset=0,
        timestamp_ms=int(time.time() * 1000),
        key=None,
        value=json.dumps(body).encode(),
        headers=ADDRESS,
    )
    with transaction.atomic():
        answer = dispatcher.answer(incoming)
        transaction.set_rollback(True)
    return answer.code or "SUCCESS"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(scene: Scene, pattern: str) -> None:
    dispatcher = Dispatcher(identify=by_session(validate_session), health=dict)
    assert tuple(asked(dispatcher, pattern, scene, who) for who in PEOPLE) == PATTERNS[pattern][1]


def test_no_pattern_is_left_out() -> None:
    assert {*handlers.PATTERNS, handlers.HEALTH} == set(PATTERNS)
