"""The other services of the platform: what we ask of them, and how patiently."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.conf import settings
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from deployments.clients.breaker import CircuitBreaker
from deployments.clients.envelope import PeerTroubled, body_of
from deployments.errors import DeployError, PeerFailed
from deployments.kafka.reply import NoReplyError
from deployments.types import Caller

if TYPE_CHECKING:
    from deployments.kafka.rpc import KafkaRpcClient

MAX_PAUSE_SECONDS = 2.0


class Peer(StrEnum):
    """A service of the platform, by its name in AXION_PEERS."""

    GRAPH = "graph"
    INFRASTRUCTURE = "infrastructure"
    CODEGEN = "codegen"
    AUTH = "auth"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A pattern of a peer; `seconds` for each of at most `attempts`."""

    peer: Peer
    topic: str
    seconds: float = 4.0
    attempts: int = 2


GET_PROJECT = Question(peer=Peer.GRAPH, topic="graph-service.getProject")
GET_GRAPH = Question(peer=Peer.GRAPH, topic="graph-service.getGraph", seconds=10.0)
# Generating may take a language model its time. The job tries again by itself.
GENERATE_PROJECT = Question(peer=Peer.CODEGEN, topic="codegen-service.generateProject", seconds=80.0, attempts=1)
GET_SERVER = Question(peer=Peer.INFRASTRUCTURE, topic="infrastructure-service.getServer")
VALIDATE_SESSION = Question(peer=Peer.AUTH, topic="auth-service.validate-session")
QUESTIONS = (GET_PROJECT, GET_GRAPH, GENERATE_PROJECT, GET_SERVER, VALIDATE_SESSION)


def uses(peer: Peer) -> bool:
    """Return whether the peer is the source, and not our own tables."""
    return peer.value in settings.AXION_PEERS


def fetched_by_job() -> bool:
    """Return whether the job fetches graph or code: peers may be slow, and a request must be answered at once."""
    return uses(Peer.GRAPH) or uses(Peer.CODEGEN)


def ask(question: Question, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the body of the peer's success; ask again where a failure may pass.

    No transaction may be open. Raises what `envelope.body_of` does; PeerFailed also for silence, and at once while the
    circuit breaker is open.
    """
    value = json.dumps(payload, separators=(",", ":")).encode()
    attempts = Retrying(
        retry=retry_if_exception_type(PeerTroubled),
        stop=stop_after_attempt(question.attempts),
        wait=wait_random_exponential(multiplier=0.2, max=MAX_PAUSE_SECONDS),
        reraise=True,
    )
    body: Mapping[str, Any] = attempts(_ask_once, question, value)
    return body


def metadata_of(*, caller: Caller, project_id: UUID | None = None) -> dict[str, Any]:
    """Return who asks, as every service of the platform reads it.

    The session goes along where auth-service has it, and is secret; a token of our own tables is no peer's business.
    """
    metadata: dict[str, Any] = {
        "userId": str(caller.user_id),
        "requestId": uuid4().hex,
        "timestamp": int(time.time() * 1000),
    }
    if project_id is not None:
        metadata["projectId"] = str(project_id)
    if caller.session_token and uses(Peer.AUTH):
        metadata["sessionToken"] = caller.session_token
    return metadata


def _ask_once(question: Question, value: bytes) -> Mapping[str, Any]:
    breaker = breaker_of(question.peer)
    service = question.topic.partition(".")[0]
    if not breaker.may_call(now=time.monotonic()):
        raise PeerFailed(f"{service} has failed several times and is not asked for some seconds.")
    try:
        body = body_of(rpc_client().ask(topic=question.topic, value=value, seconds=question.seconds), peer=service)
    except NoReplyError as error:
        breaker.note_failure(now=time.monotonic())
        raise PeerTroubled(f"{service} did not answer: {error}") from error
    except PeerTroubled:
        breaker.note_failure(now=time.monotonic())
        raise
    except DeployError:
        breaker.note_success()
        raise
    breaker.note_success()
    return body


@cache
def breaker_of(peer: Peer) -> CircuitBreaker:
    """Return the peer's circuit breaker of this process."""
    del peer  # it is the key of the cache
    return CircuitBreaker()


@cache
def rpc_client() -> KafkaRpcClient:
    """Return the client of this process, for the peers that are used."""
    # Where no peer is asked, the library costs a process an eighth of its start and of its memory for nothing.
    from deployments.kafka.rpc import KafkaRpcClient

    return KafkaRpcClient(topics={question.topic for question in QUESTIONS if uses(question.peer)})
