"""Dead letters are sent again by a command, have one effect, and do not come back as dead letters."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command

from agents.models import Server
from deployments.encryption import seal
from deployments.errors import Invalid
from deployments.kafka_api import dead_letters, signatures
from deployments.kafka_api.incoming import IncomingRecord
from deployments.kafka_api.process import ConsumerProcess
from deployments.kafka_api.replay import signed_again
from deployments.kafka_api.request_topics import DEAD_LETTERS
from deployments.models import Deployment, Project, User
from tests.factories import NOW
from tests.kafka_api.wire import Caller

DEPLOY = "deployment-service.deployProject"
QUIET = {"kafka_correlationId": None, "kafka_replyTopic": None}


@pytest.fixture(autouse=True)
def _a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AXION_KAFKA_GROUP", f"g-{uuid4().hex}")


def replayed(*options: str) -> str:
    said = StringIO()
    call_command("replay_dlq", *options, stdout=said)
    return said.getvalue()


def test_a_dead_letter_is_replayed_with_one_effect(
    trusting: ConsumerProcess, caller: Caller, owner: User, project: Project, server: Server
) -> None:
    # What other tests left there goes out before anybody listens.
    replayed()
    caller.listen(DEAD_LETTERS, DEPLOY, whole=True)
    early: dict[str, Any] = {"metadata": {"userId": str(owner.id)}, "projectId": str(project.id)}
    early["serverId"] = str(uuid4())
    caller.send(DEPLOY, early, headers=QUIET)
    caller.producer.flush()
    caller.read_until(lambda: any(reply.topic == DEAD_LETTERS for reply in caller.replies))
    Server.objects.filter(pk=server.pk).update(id=early["serverId"])
    assert "No such server" in replayed("--dry-run")
    assert not Deployment.objects.exists()
    assert replayed().endswith("1 dead letters\n")
    caller.read_until(lambda: sum(reply.topic == DEPLOY for reply in caller.replies) == 2)
    again = next(reply for reply in caller.replies if "x-dlq-replay" in reply.headers)
    assert (again.headers["x-dlq-replay"], again.headers["x-attempt"]) == (b"true", b"2")
    assert again.headers["x-dlq-original-topic"] == DEPLOY.encode()
    assert again.headers["x-dlq-original-attempt"] == b"1"
    caller.read_until(Deployment.objects.exists)
    assert replayed().endswith("0 dead letters\n")


def test_a_replay_that_fails_again_is_no_dead_letter_again(
    trusting: ConsumerProcess, caller: Caller, owner: User
) -> None:
    caller.listen(DEAD_LETTERS, "health.check", whole=True)
    caller.send(DEPLOY, {"metadata": {"userId": str(owner.id)}}, headers={**QUIET, "x-dlq-replay": b"true"})
    caller.send(DEPLOY, {"metadata": {"userId": str(owner.id)}, "projectId": "fresh"}, headers=QUIET)
    caller.producer.flush()
    caller.read_until(lambda: any(reply.topic == DEAD_LETTERS for reply in caller.replies))
    letters = [reply for reply in caller.replies if reply.topic == DEAD_LETTERS]
    assert [letter.body["originalPayload"].get("projectId") for letter in letters] == ["fresh"]


def incoming(**headers: bytes) -> IncomingRecord:
    named = {"x": b"\xff", **headers}
    return IncomingRecord(
        topic=DEPLOY,
        partition=0,
        offset=3,
        timestamp_ms=0,
        key=None,
        value=b'{"a":1}',
        headers=named,
    )


def letter_of(request: IncomingRecord) -> bytes:
    reply = dead_letters.dead_letter(request, code="NOT_FOUND", name="NotFound", message="No.", at=NOW)
    assert reply.value is not None
    return reply.value


def test_the_original_comes_back_byte_for_byte() -> None:
    original = dead_letters.original_of(letter_of(incoming()))
    assert (original.topic, original.key, original.value) == (DEPLOY, None, b'{"a":1}')
    assert original.headers["x"] == b"\xff"
    assert original.headers["x-dlq-original-record"] == f"{DEPLOY}:0:3".encode()


@pytest.mark.parametrize(
    "sealed",
    ["1:AAAA", "99:AAAA", "", None, seal(value="{}", context="something else")],
    ids=["short", "unknown key", "empty", "null", "sealed for something else"],
)
def test_only_what_we_sealed_is_replayed(sealed: str | None) -> None:
    forged = {**json.loads(letter_of(incoming())), dead_letters.SEALED: sealed}
    with pytest.raises(Invalid):
        dead_letters.original_of(json.dumps(forged).encode())


def test_what_is_no_letter_is_not_replayed() -> None:
    with pytest.raises(Invalid):
        dead_letters.original_of(b"[]")


def test_a_true_signature_is_renewed_and_a_false_one_is_not() -> None:
    key = b"k" * 32
    old = signatures.signed_headers(service="graph", key=key, at_ms=1, topic=DEPLOY, headers={}, value=b'{"a":1}')
    original = dead_letters.original_of(letter_of(incoming(**old)))
    renewed = signed_again(original, keys={"graph": key}, now_ms=1_900_000_000_000)
    assert renewed.headers[signatures.TIME] == b"1900000000000"
    assert renewed.headers[signatures.SIGNATURE] != original.headers[signatures.SIGNATURE]
    assert signed_again(original, keys={"graph": b"x" * 32}, now_ms=1_900_000_000_000) == original
