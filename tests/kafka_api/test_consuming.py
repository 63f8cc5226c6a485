"""The consumer on a real broker: every byte of its answers, and what happens when requests come twice or are bad."""

from __future__ import annotations

import json
import threading
import time
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from agents.models import Server
from deployments.kafka_api import dead_letters, handlers
from deployments.kafka_api.handlers import PATTERNS
from deployments.kafka_api.process import ConsumerProcess
from deployments.kafka_api.request_topics import DEAD_LETTERS
from deployments.models import Deployment, DeploymentEvent, Project, User
from deployments.services.secrets import sealing
from tests import factories
from tests.kafka_api.wire import Caller

GET = "deployment-service.getDeployment"
DEPLOY = "deployment-service.deployProject"
CANCEL = "deployment-service.cancelDeployment"
LIST = "deployment-service.listDeployments"
STATUS = "deployment-service.getDeploymentStatus"
ROLLBACK = "deployment-service.rollbackDeployment"


def by(user: User, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"userId": str(user.id)}, **fields}


@pytest.fixture
def now_deployment(project: Project, server: Server) -> Deployment:
    return factories.make_deployment(project, server, at=timezone.now(), env_vars={"PASSWORD": "1:sealed"})


def test_an_answer_has_no_key_the_asked_partition_and_nests_headers(
    trusting: ConsumerProcess, caller: Caller, owner: User, deployment: Deployment
) -> None:
    caller.listen(GET)
    reply = caller.ask(GET, by(owner, deploymentId=str(deployment.id)), correlation_id="c-ä")
    assert (reply.key, reply.topic, reply.partition) == (None, f"{GET}.reply", 0)
    assert reply.headers == {"kafka_correlationId": "c-ä".encode(), "kafka_nest-is-disposed": b"\x00"}
    assert reply.body["status"] == 1
    assert reply.body["deployment"]["id"] == str(deployment.id)
    assert reply.body["deployment"]["envVars"] == {"PASSWORD": "***"}
    assert reply.body["result"] == {"deployment": reply.body["deployment"]}


def test_each_caller_is_answered_on_its_own_partition(
    trusting: ConsumerProcess, brokers: str, owner: User, deployment: Deployment
) -> None:
    callers = [Caller(brokers, partition=partition) for partition in range(3)]
    for each in callers:
        each.listen(GET)
    asked = [each.send(GET, by(owner, deploymentId=str(deployment.id))) for each in callers for _ in range(5)]
    for number, each in enumerate(callers):
        mine = set(asked[number * 5 : number * 5 + 5])
        for correlation_id in mine:
            assert each.wait(correlation_id).partition == number
        assert {reply.headers["kafka_correlationId"].decode() for reply in each.replies} == mine
        each.close()


def test_a_stranger_hears_what_he_would_of_nothing(
    trusting: ConsumerProcess, caller: Caller, stranger: User, deployment: Deployment
) -> None:
    caller.listen(GET, STATUS, CANCEL, ROLLBACK, LIST, DEPLOY)
    for pattern in (GET, STATUS, CANCEL, ROLLBACK):
        other = caller.ask(pattern, by(stranger, deploymentId=str(deployment.id)))
        nothing = caller.ask(pattern, by(stranger, deploymentId=str(uuid4())))
        unknown = caller.ask(pattern, {"metadata": {"userId": str(uuid4())}, "deploymentId": str(deployment.id)})
        assert other.body == nothing.body == unknown.body
        assert other.code == "NOT_FOUND"
    theirs = caller.ask(LIST, by(stranger, projectId=str(deployment.project_id)))
    assert (theirs.code, theirs.body) == ("NOT_FOUND", caller.ask(LIST, by(stranger, projectId=str(uuid4()))).body)


def test_nobody_is_refused_before_any_handler(trusting: ConsumerProcess, caller: Caller) -> None:
    caller.listen(*PATTERNS)
    for pattern in PATTERNS:
        reply = caller.ask(pattern, {})
        assert reply.value is None
        assert json.loads(reply.headers["kafka_nest-err"])["code"] == "UNAUTHORIZED"
        assert reply.headers["kafka_nest-is-disposed"] == b"\x00"


def test_a_deployment_is_made_once_however_often_its_request_comes(
    trusting: ConsumerProcess, caller: Caller, owner: User, project: Project, server: Server
) -> None:
    caller.listen(DEPLOY)
    wish = by(owner, projectId=str(project.id), serverId=str(server.id), clusterId="", envVars={"A": "canary-31"})
    for correlation_id in ("same", "same", "same"):
        caller.send(DEPLOY, wish, correlation_id=correlation_id)
    caller.producer.flush()
    caller.read_until(lambda: len(caller.replies) == 3)
    assert {reply.body["deployment"]["id"] for reply in caller.replies} == {str(Deployment.objects.get().id)}
    assert all(b"canary-31" not in (reply.value or b"") for reply in caller.replies)
    again = {**wish, "metadata": {**wish["metadata"], "requestId": "another"}}
    assert caller.ask(DEPLOY, again).body["deployment"]["id"] != caller.replies[0].body["deployment"]["id"]


def test_cancelling_twice_is_one_cancel_and_two_successes(
    trusting: ConsumerProcess, caller: Caller, owner: User, now_deployment: Deployment
) -> None:
    caller.listen(CANCEL)
    wish = by(owner, deploymentId=str(now_deployment.id))
    first, second = caller.ask(CANCEL, wish), caller.ask(CANCEL, wish)
    assert first.body == second.body == {"status": 1, "result": {}}
    assert DeploymentEvent.objects.filter(type="deployment.status_changed").count() == 1


def test_a_list_has_its_pages(
    trusting: ConsumerProcess, caller: Caller, owner: User, now_deployment: Deployment
) -> None:
    caller.listen(LIST)
    asked = by(owner, projectId=str(now_deployment.project_id), pagination={"page": 0, "limit": 1000}, statusFilter=1)
    data = caller.ask(LIST, asked).body["data"]
    assert [item["id"] for item in data["deployments"]] == [str(now_deployment.id)]
    assert data["pagination"] == {"page": 1, "limit": 100, "total": 1, "totalPages": 1}


def test_health_says_how_it_goes(trusting: ConsumerProcess, caller: Caller, owner: User) -> None:
    caller.listen("health.check")
    health = caller.ask("health.check", {}).body["health"]
    # What each process says of itself lasts for seconds, and on a crowded machine one may be late with it.
    deadline = time.monotonic() + 30
    while health["status"] == "HEALTH_STATUS_DEGRADED" and time.monotonic() < deadline:
        time.sleep(0.5)
        health = caller.ask("health.check", {}).body["health"]
    assert (health["status"], health["service_name"]) == ("HEALTH_STATUS_HEALTHY", "deployment-service"), health
    assert {each["name"]: each["status"] for each in health["dependencies"]} == {
        "postgresql": "HEALTH_STATUS_HEALTHY",
        "redis": "HEALTH_STATUS_HEALTHY",
        "kafka": "HEALTH_STATUS_HEALTHY",
    }


def test_an_event_is_handled_without_a_reply_and_its_refusal_is_kept(
    trusting: ConsumerProcess, caller: Caller, owner: User, project: Project, server: Server
) -> None:
    caller.listen(DEAD_LETTERS, whole=True)
    caller.listen(DEPLOY)
    quiet = {"kafka_correlationId": None, "kafka_replyTopic": None}
    good = by(owner, projectId=str(project.id), serverId=str(server.id))
    caller.send(DEPLOY, good, headers=quiet)
    bad = by(owner, projectId=str(project.id), envVars={"PASSWORD": "canary-77"})
    caller.send(DEPLOY, bad, headers=quiet, key=b"k")
    caller.producer.flush()
    caller.read_until(lambda: bool(caller.replies))
    (letter,) = caller.replies
    assert (letter.topic, letter.key) == (DEAD_LETTERS, b"k")
    body = letter.body
    assert (body["originalTopic"], body["messagePattern"], body["originalKey"]) == (DEPLOY, DEPLOY, "k")
    assert (body["attempt"], body["serviceName"], body["error"]["code"]) == (
        1,
        "deployment-service",
        "VALIDATION_ERROR",
    )
    assert body["error"]["stack"] == ""
    assert body["originalPayload"]["envVars"] == {"PASSWORD": "***"}
    assert b"canary-77" not in (letter.value or b"")
    original = dead_letters.original_of(letter.value or b"")
    assert json.loads(original.value or b"") == bad
    assert sealing.unseal_letter(sealed=body[dead_letters.SEALED])
    deadline_request = caller.ask(DEPLOY, {**good, "metadata": {**good["metadata"], "requestId": "after"}})
    assert deadline_request.body["status"] == 1
    # The event without a reply may lie in another partition, and be handled after this answer.
    until = time.monotonic() + 30
    while Deployment.objects.count() < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert Deployment.objects.count() == 2


@pytest.mark.parametrize(
    "address",
    [
        {"kafka_replyTopic": b"deployment-service.events"},
        {"kafka_replyTopic": b"nowhere.reply"},
        {"kafka_replyPartition": b"99"},
        {"kafka_replyPartition": b"x"},
    ],
)
def test_what_cannot_be_answered_becomes_a_dead_letter_and_stops_nothing(
    trusting: ConsumerProcess, caller: Caller, owner: User, deployment: Deployment, address: dict[str, bytes]
) -> None:
    caller.listen(DEAD_LETTERS, whole=True)
    caller.listen(GET)
    sent = caller.send(GET, by(owner, deploymentId=str(deployment.id)), headers=address, key=b"k")
    assert caller.ask(GET, by(owner, deploymentId=str(deployment.id))).body["status"] == 1
    caller.read_until(lambda: any(reply.topic == DEAD_LETTERS for reply in caller.replies))
    letter = next(reply for reply in caller.replies if reply.topic == DEAD_LETTERS)
    assert letter.body["correlationId"] == sent


def test_slow_requests_hold_up_no_fast_ones(
    trusting: ConsumerProcess, caller: Caller, owner: User, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More slow deploys than a consumer may have underway: reads are answered while all of them still wait."""
    go_on = threading.Event()

    def slow(call: handlers.Call) -> dict[str, Any]:
        assert go_on.wait(60)
        return {}

    monkeypatch.setitem(PATTERNS, DEPLOY, handlers.Pattern(answer=slow, has_effect=True))
    caller.listen(DEPLOY, GET)
    slow_ones = [caller.send(DEPLOY, by(owner)) for _ in range(60)]
    try:
        for _ in range(3):
            assert caller.ask(GET, by(owner, deploymentId=str(deployment.id))).body["status"] == 1
        assert not {reply.headers["kafka_correlationId"].decode() for reply in caller.replies} & set(slow_ones)
    finally:
        go_on.set()
    caller.read_until(lambda: len(caller.replies) == 63)


def test_a_crash_is_told_without_a_word_about_it(
    trusting: ConsumerProcess, caller: Caller, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(call: handlers.Call) -> dict[str, Any]:
        raise RuntimeError("canary-55")

    monkeypatch.setitem(PATTERNS, GET, handlers.Pattern(answer=broken))
    caller.listen(GET)
    reply = caller.ask(GET, by(owner))
    assert reply.value is None
    assert json.loads(reply.headers["kafka_nest-err"]) == {"status": "error", "message": "Internal server error"}


def test_a_request_that_waited_too_long_is_not_carried_out(
    trusting: ConsumerProcess, caller: Caller, owner: User, now_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.kafka_api.dispatcher.MAX_EFFECT_AGE_MS", -1_000_000)
    caller.listen(CANCEL, GET)
    assert caller.ask(CANCEL, by(owner, deploymentId=str(now_deployment.id))).code == "CONFLICT"
    assert caller.ask(GET, by(owner, deploymentId=str(now_deployment.id))).body["deployment"]["status"] == 1


def test_an_answer_that_is_too_large_is_told_so(
    trusting: ConsumerProcess, caller: Caller, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = handlers.Pattern(answer=lambda _: {"data": "x" * 9_000_000})
    monkeypatch.setitem(PATTERNS, LIST, huge)
    caller.listen(LIST)
    assert caller.ask(LIST, by(owner)).code == "VALIDATION_ERROR"


class Undecodable(str):
    """A header's name that is no UTF-8."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe"


def test_a_record_that_cannot_be_decoded_stops_nothing(
    trusting: ConsumerProcess, caller: Caller, owner: User, deployment: Deployment
) -> None:
    caller.listen(GET)
    for partition in range(3):
        bad = {Undecodable("x"): b""}
        caller.send(GET, by(owner), headers=bad, partition=partition)  # type: ignore[arg-type]
        caller.producer.flush()
    asked = [
        caller.send(GET, by(owner, deploymentId=str(deployment.id)), partition=partition)
        for partition in (0, 1, 2, 0, 1, 2)
    ]
    for correlation_id in asked:
        assert caller.wait(correlation_id).body["status"] == 1
