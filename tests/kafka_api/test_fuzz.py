"""Whatever is sent: the consumer lives, each request is answered exactly once, and nothing of our inside gets out."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest
from django.utils import timezone

from deployments.kafka_api.request_topics import DEAD_LETTERS
from deployments.models import User
from tests import factories
from tests.kafka_api.payloads import Generator
from tests.kafka_api.processes import Consumers
from tests.kafka_api.wire import Caller

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

# AXION_FUZZ=100000 for the whole of it.
COUNT = int(os.environ.get("AXION_FUZZ", "2500"))
SEED = int(os.environ.get("AXION_FUZZ_SEED", "1"))
MAX_UNANSWERED = 500
SECONDS = 120.0 + COUNT / 20
INSIDE = (b"Traceback", b'File "', b"INTERNAL_ERROR", b"Internal server error", b"psycopg", b"django")


@pytest.mark.django_db(transaction=True)
def test_every_request_is_answered_exactly_once_and_none_breaks_us(
    brokers: str, caller: Caller, owner: User, tmp_path: Path
) -> None:
    project, server = factories.make_project(owner), factories.make_server(owner)
    deployment = factories.make_deployment(project, server, at=timezone.now())
    ids = {"projectId": project.id, "serverId": server.id, "deploymentId": deployment.id}
    generator = Generator(seed=SEED, ids=ids, users=[owner.id, factories.make_user("bob").id])
    consumers = Consumers(folder=tmp_path, broker=brokers)
    try:
        consumer = consumers.start()
        answers = flood(caller, generator)
        assert consumer.is_running()
    finally:
        consumers.stop()
    assert set(answers.values()) == {1}
    assert not [line for line in consumers.logs().splitlines() if "[error" in line]


def flood(caller: Caller, generator: Generator) -> Counter[str]:
    """How often each request was answered; checks every byte that came back."""
    caller.listen(*generator.topics)
    caller.listen(DEAD_LETTERS, whole=True)
    answers: Counter[str] = Counter()
    deadline = time.monotonic() + SECONDS
    unanswered, checked = 0, 0

    def take() -> None:
        nonlocal unanswered
        caller.read(milliseconds=100)
        for reply in caller.replies:
            leaked = [word for word in INSIDE if word in (reply.value or b"") + b"".join(reply.headers.values())]
            assert not leaked, (leaked, reply)
            if reply.topic != DEAD_LETTERS:
                answers[reply.headers["kafka_correlationId"].decode()] += 1
                unanswered -= 1
        caller.replies.clear()

    for number, request in enumerate(generator.requests(COUNT)):
        headers = None if request.wants_reply else {"kafka_replyTopic": None}
        name = f"f{number}"
        caller.send(request.topic, request.value, correlation_id=name, headers=headers, key=b"k")
        if request.wants_reply:
            answers[name] += 0
            unanswered += 1
            checked += 1
        while unanswered > MAX_UNANSWERED:
            assert time.monotonic() < deadline, f"{unanswered} of {number} unanswered"
            take()
    while unanswered > 0:
        assert time.monotonic() < deadline, f"{unanswered} unanswered: {missing(answers)}"
        take()
    take()
    assert checked == len(answers)
    return answers


def missing(answers: Counter[str]) -> list[str]:
    return [name for name, count in answers.items() if count == 0][:10]
