"""Who may, over Kafka: what cannot be checked is never a yes. No broker is needed to ask a dispatcher."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from knox.models import AuthToken

from axion_deploy.env import service_patterns
from axion_deploy.kafka_bindings import identify
from deployments.clients.auth import validate_session
from deployments.errors import PeerFailed
from deployments.kafka_api import identity, signatures
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.identity import Identify, by_session, by_signature, by_trust
from deployments.kafka_api.incoming import IncomingRecord
from deployments.kafka_api.replies import Answer
from deployments.models import Deployment, User
from deployments.services.upkeep import health
from tests import factories

pytestmark = pytest.mark.django_db

GET = "deployment-service.getDeployment"
STATUS = "deployment-service.getDeploymentStatus"
KEY = b"k" * 32
ADDRESS = {"kafka_correlationId": b"c", "kafka_replyTopic": b"x.reply", "kafka_replyPartition": b"0"}


@pytest.fixture
def owner(db: None) -> User:
    return factories.make_user("alice")


@pytest.fixture
def deployment(owner: User) -> Deployment:
    return factories.make_deployment(factories.make_project(owner), factories.make_server(owner))


def ask(who: Identify, deployment: Deployment, *, signed_by: bytes | None = None, **metadata: Any) -> Answer:
    value = json.dumps({"metadata": metadata, "deploymentId": str(deployment.id)}).encode()
    headers = dict(ADDRESS)
    if signed_by is not None:
        now = int(time.time() * 1000)
        headers |= signatures.signed_headers(
            service="graph", key=signed_by, at_ms=now, topic=GET, headers=headers, value=value
        )
    return answer_to(who, value, headers)


def answer_to(who: Identify, value: bytes, headers: dict[str, bytes], *, topic: str = GET) -> Answer:
    incoming = IncomingRecord(
        topic=topic, partition=0, offset=0, timestamp_ms=0, key=None, value=value, headers=headers
    )
    return Dispatcher(identify=who, health=dict).answer(incoming)


def test_a_session_decides_alone_who_asks(owner: User, deployment: Deployment) -> None:
    _, token = AuthToken.objects.create(user=owner)
    who = by_session(validate_session)
    assert ask(who, deployment, sessionToken=token, userId=str(uuid4())).code == ""
    assert ask(who, deployment, authorization=f"Bearer {token}").code == ""
    assert ask(who, deployment, userId=str(owner.id)).code == "UNAUTHORIZED"
    assert ask(who, deployment, sessionToken="no such").code == "UNAUTHORIZED"


def test_an_expired_session_and_a_disabled_account_are_nobody(owner: User, deployment: Deployment) -> None:
    _, token = AuthToken.objects.create(user=owner)
    AuthToken.objects.all().delete()
    assert ask(by_session(validate_session), deployment, sessionToken=token).code == "UNAUTHORIZED"
    User.objects.update(is_active=False)
    assert ask(by_trust(), deployment, userId=str(owner.id)).code == "UNAUTHORIZED"


def test_a_session_that_ended_acts_for_some_seconds_more_and_no_longer(
    owner: User, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(identity, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    _, token = AuthToken.objects.create(user=owner)
    who = by_session(validate_session)
    assert ask(who, deployment, sessionToken=token).code == ""
    AuthToken.objects.all().delete()
    clock[0] += identity.CACHE_SECONDS - 0.1
    assert ask(who, deployment, sessionToken=token).code == ""
    clock[0] += 0.1
    assert ask(who, deployment, sessionToken=token).code == "UNAUTHORIZED"


def test_a_session_that_cannot_be_checked_is_no_yes(deployment: Deployment) -> None:
    def unreachable(token: str) -> UUID:
        raise PeerFailed("auth-service did not answer.")

    assert ask(by_session(unreachable), deployment, sessionToken="t").code == "EXTERNAL_SERVICE_ERROR"


def test_a_known_service_vouches_for_its_users(owner: User, deployment: Deployment) -> None:
    who = by_signature({"graph": KEY})
    assert ask(who, deployment, signed_by=KEY, userId=str(owner.id)).code == ""
    assert ask(who, deployment, signed_by=KEY).code == "UNAUTHORIZED"
    assert ask(who, deployment, signed_by=b"x" * 32, userId=str(owner.id)).code == "UNAUTHORIZED"
    assert ask(who, deployment, userId=str(owner.id)).code == "UNAUTHORIZED"
    newcomer = uuid4()
    assert ask(who, deployment, signed_by=KEY, userId=str(newcomer)).code == "NOT_FOUND"
    assert User.objects.get(pk=newcomer).has_usable_password() is False


@pytest.mark.parametrize("changed", [*ADDRESS, "x-axion-time", "x-axion-service", "value", "topic", "old"])
def test_a_signature_holds_for_one_request_one_address_and_ten_minutes(
    owner: User, deployment: Deployment, changed: str
) -> None:
    value = json.dumps({"metadata": {"userId": str(owner.id)}, "deploymentId": str(deployment.id)}).encode()
    age = 601_000 if changed == "old" else 0
    at_ms = int(time.time() * 1000) - age
    signed = {
        **ADDRESS,
        **signatures.signed_headers(service="graph", key=KEY, at_ms=at_ms, topic=GET, headers=ADDRESS, value=value),
    }
    if changed in signed:
        signed[changed] += b"1"
    sent = value + b" " if changed == "value" else value
    topic = STATUS if changed == "topic" else GET
    # Another service with the same key is still another service.
    assert answer_to(by_signature({"graph": KEY, "graph1": KEY}), sent, signed, topic=topic).code == "UNAUTHORIZED"


def test_trust_believes_but_makes_nobody_up(owner: User, deployment: Deployment) -> None:
    assert ask(by_trust(), deployment, user_id=str(owner.id)).code == ""
    assert ask(by_trust(), deployment, userId=str(uuid4())).code == "NOT_FOUND"
    assert ask(by_trust(), deployment).code == "UNAUTHORIZED"
    assert User.objects.count() == 1


def test_the_configured_proof_is_used(monkeypatch: pytest.MonkeyPatch, owner: User, deployment: Deployment) -> None:
    assert settings.AXION_KAFKA_IDENTITY == "session"
    assert ask(identify(), deployment, userId=str(owner.id)).code == "UNAUTHORIZED"
    monkeypatch.setattr(settings, "AXION_KAFKA_IDENTITY", "signed")
    with pytest.raises(ImproperlyConfigured):
        identify()
    monkeypatch.setattr(settings, "AXION_KAFKA_SERVICE_KEYS", {"graph": KEY})
    assert ask(identify(), deployment, signed_by=KEY, userId=str(owner.id)).code == ""


def test_healthz_says_whether_consumers_serve(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KAFKA_BROKERS", ["127.0.0.1:1"])
    monkeypatch.setattr(health, "CONSUMER", f"kafka-consumer-{uuid4()}")
    assert client.get("/healthz").json()["kafka"]["status"] == "degraded"
    health.report_consumer(name="c-1", state="waiting", message="Kafka does not answer.")
    assert client.get("/healthz").json()["kafka"] == {"status": "degraded", "message": "Kafka does not answer."}
    health.report_consumer(name="c-2", state=health.SERVING, message="")
    assert client.get("/healthz").json() == {"status": "alive", "kafka": {"status": "healthy", "message": ""}}


@pytest.mark.parametrize("allowed", [False, True])
def test_a_superuser_has_more_rights_over_kafka_only_where_that_is_wanted(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, *, allowed: bool
) -> None:
    monkeypatch.setattr(settings, "AXION_KAFKA_SUPERUSERS", allowed)
    ops = factories.make_user("ops", is_superuser=True)
    answers = [
        ask(by_session(lambda _: ops.id), deployment, sessionToken="x"),
        ask(by_signature({"graph": KEY}), deployment, signed_by=KEY, userId=str(ops.id)),
        ask(by_trust(), deployment, userId=str(ops.id)),
    ]
    assert [answer.code for answer in answers] == ["" if allowed else "NOT_FOUND"] * 3


def test_a_service_asks_within_its_topics_alone(deployment: Deployment, owner: User) -> None:
    def code(**patterns: tuple[str, ...]) -> str:
        return ask(by_signature({"graph": KEY}, patterns), deployment, signed_by=KEY, userId=str(owner.id)).code

    assert code() == code(graph=("deployment-service.get*",)) == code(other=("health.check",)) == ""
    assert code(graph=("deployment-service.list*", "health.check")) != ""


def test_topics_are_named_for_services_that_have_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTERNS", "graph:deployment-service.get*|health.check")
    assert service_patterns("PATTERNS", services={"graph"}) == {"graph": ("deployment-service.get*", "health.check")}
    with pytest.raises(ImproperlyConfigured, match="each service that has a key"):
        service_patterns("PATTERNS", services={"codegen"})
