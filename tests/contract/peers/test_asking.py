"""Our requests to a real NestJS server, and every way it may answer."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from deployments.clients import breaker, peers
from deployments.clients.auth import validate_session
from deployments.clients.envelope import member
from deployments.clients.peers import GET_PROJECT, VALIDATE_SESSION, Question, ask, metadata_of
from deployments.errors import DeployError, Forbidden, Invalid, NotFound, PeerFailed, Unauthenticated
from deployments.kafka.rpc import KafkaRpcClient
from deployments.types import Caller
from tests.contract.peers.world import World

ALICE = UUID(int=1)
TOKEN = "session-of-alice"
PROJECT = UUID(int=2)
CALLER = Caller(user_id=ALICE, name="alice", session_token=TOKEN)
KNOWN = {
    "projects": {str(PROJECT): {"id": str(PROJECT), "userId": str(ALICE), "name": "Shop", "graphVersion": 3}},
    "sessions": {TOKEN: str(ALICE)},
}
QUICK = Question(peer=GET_PROJECT.peer, topic=GET_PROJECT.topic, seconds=1.0, attempts=1)


def get_project(question: Question = GET_PROJECT) -> Any:
    payload = {"metadata": metadata_of(caller=CALLER, project_id=PROJECT), "projectId": str(PROJECT)}
    return member(ask(question, payload), "project")


@pytest.mark.parametrize("shape", ["flat", "nested", "data"])
def test_every_shape_of_success_is_read(world: World, shape: str) -> None:
    world.be(**KNOWN, shape=shape)
    assert get_project()["name"] == "Shop"


@pytest.mark.parametrize("shape", ["flat", "nested"])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("NOT_FOUND", NotFound),
        ("FORBIDDEN", Forbidden),
        ("UNAUTHORIZED", Unauthenticated),
        ("VALIDATION_ERROR", Invalid),
        ("CONFLICT", PeerFailed),
        ("DATABASE_ERROR", PeerFailed),
    ],
)
def test_every_shape_of_error_is_read(world: World, shape: str, code: str, error: type[DeployError]) -> None:
    said = {"code": code, "message": "no\u0000 such", "details": {"id": "7"}}
    world.be(**KNOWN, shape=shape, trouble={GET_PROJECT.topic: {"error": said}})
    with pytest.raises(error) as caught:
        get_project(QUICK)
    assert caught.value.message == "graph-service: no  such"
    assert caught.value.details == {"id": "7"}


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ({"crash": True}, PeerFailed),
        ({"rpc": "Forbidden resource"}, Forbidden),
        ({"rpc": {"status": "error", "message": "out of order"}}, PeerFailed),
        ({"raw": "just text"}, PeerFailed),
        ({"raw": None}, PeerFailed),
        ({"raw": [1, 2]}, PeerFailed),
        ({"raw": {"status": 2}}, PeerFailed),
        ({"delayMs": 1500}, PeerFailed),
    ],
)
def test_whatever_else_comes_is_an_error_of_the_peer(
    world: World, trouble: dict[str, Any], error: type[DeployError]
) -> None:
    world.be(**KNOWN, trouble={GET_PROJECT.topic: trouble})
    with pytest.raises(error):
        get_project(QUICK)


def test_a_guard_that_refuses_is_forbidden_and_the_callers_metadata_opens_it(world: World) -> None:
    world.be(**KNOWN, guarded=True)
    assert get_project()["id"] == str(PROJECT)
    [request] = world.heard(GET_PROJECT.topic)
    said = request["metadata"]
    assert (said["userId"], said["projectId"], said["sessionToken"]) == (str(ALICE), str(PROJECT), TOKEN)
    assert said["requestId"]
    stranger = Caller(user_id=ALICE, name="alice")
    with pytest.raises(Forbidden):
        ask(QUICK, {"metadata": metadata_of(caller=stranger), "projectId": str(PROJECT)})


def test_what_may_pass_is_asked_again(world: World) -> None:
    world.be(**KNOWN, trouble={GET_PROJECT.topic: {"crash": True}})
    with pytest.raises(PeerFailed):
        get_project()
    assert len(world.heard(GET_PROJECT.topic)) == GET_PROJECT.attempts
    world.be()
    with pytest.raises(NotFound):
        get_project()
    assert len(world.heard(GET_PROJECT.topic)) == 1


def test_a_peer_that_fails_again_and_again_is_left_alone(world: World) -> None:
    world.be(**KNOWN, trouble={GET_PROJECT.topic: {"crash": True}})
    for _ in range(breaker.MAX_FAILURES):
        with pytest.raises(PeerFailed):
            get_project(QUICK)
    world.be(**KNOWN)
    with pytest.raises(PeerFailed, match="not asked"):
        get_project()
    assert not world.heard(GET_PROJECT.topic)
    assert validate_session(TOKEN) == ALICE, "another peer is asked as before"


def test_many_at_once_each_get_their_own_answer(world: World) -> None:
    people = {f"token-{number}": str(uuid4()) for number in range(40)}
    world.be(sessions=people)
    with ThreadPoolExecutor(max_workers=20) as threads:
        found = list(threads.map(validate_session, people))
    assert [str(each) for each in found] == list(people.values())


def test_two_processes_share_a_peer(world: World) -> None:
    """Each hears its own replies, on the same partition or another."""
    world.be(**KNOWN)
    other = KafkaRpcClient(topics=[VALIDATE_SESSION.topic])
    try:
        for _ in range(5):
            reply = other.ask(topic=VALIDATE_SESSION.topic, value=b'{"sessionToken":"session-of-alice"}', seconds=10)
            assert reply.value is not None
            assert str(ALICE).encode() in reply.value
            assert validate_session(TOKEN) == ALICE
    finally:
        other.close()


@pytest.mark.parametrize(
    "trouble", [{"error": {"code": "UNAUTHORIZED"}}, {"rpc": "Forbidden resource"}, {"raw": {"status": 1}}]
)
def test_a_session_is_valid_only_when_auth_says_so(world: World, trouble: dict[str, Any]) -> None:
    world.be(**KNOWN)
    with pytest.raises(Unauthenticated):
        validate_session("session-of-nobody")
    world.be(**KNOWN, trouble={VALIDATE_SESSION.topic: trouble})
    with pytest.raises(Unauthenticated):
        validate_session(TOKEN)


def test_a_session_that_nobody_can_check_is_an_error_of_the_peer(world: World) -> None:
    world.be(**KNOWN, trouble={VALIDATE_SESSION.topic: {"crash": True}})
    with pytest.raises(PeerFailed):
        validate_session(TOKEN)


def test_no_broker_is_an_error_within_the_deadline(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KAFKA_BROKERS = ["127.0.0.1:1"]
    settings.AXION_PEERS = frozenset({"graph"})
    gone = KafkaRpcClient(topics=[GET_PROJECT.topic])
    monkeypatch.setattr(peers, "rpc_client", lambda: gone)
    peers.breaker_of.cache_clear()
    began = time.monotonic()
    with pytest.raises(PeerFailed):
        get_project(QUICK)
    assert time.monotonic() - began < 10
    gone.close()
