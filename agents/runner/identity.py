"""Who this agent is: an id and a credential, got once for the enrolment token and kept in a file of mode 0600."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.runner.config import Config
from agents.runner.errors import EnrolmentRefusedError

CALL_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`token_hash` tells whether the configured token is the one that was used up."""

    agent_id: str
    server_id: str
    credential: str = field(repr=False)
    token_hash: str

    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.credential}"),)


def load_identity(path: Path) -> Identity | None:
    """None when the agent was never enrolled."""
    if not path.exists():
        return None
    return Identity(**json.loads(path.read_text()))


def save_identity(*, path: Path, identity: Identity) -> None:
    """On the disk before it is used: the token that bought it works only once."""
    part = path.with_suffix(".part")
    text = json.dumps(
        {
            "agent_id": identity.agent_id,
            "server_id": identity.server_id,
            "credential": identity.credential,
            "token_hash": identity.token_hash,
        }
    )
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def enrol(*, stub: Any, config: Config, info: pb.AgentInfo) -> Identity:
    """Exchange the token for a credential. Raises EnrolmentRefusedError, or grpc.RpcError when nobody answers."""
    if not config.token:
        raise EnrolmentRefusedError("This agent is not enrolled and has no token: set agent.token and agent.server_id.")
    request = pb.RegisterAgentRequest(server_id=config.server_id, agent_token=config.token, agent_info=info)
    response = await stub.RegisterAgent(request, timeout=CALL_SECONDS)
    if response.status != common_pb2.SUCCESS or not response.data.registration_successful:
        raise EnrolmentRefusedError(response.error.message or response.data.message or "The token was refused.")
    identity = Identity(
        agent_id=response.data.agent_id,
        server_id=response.data.server_id or config.server_id,
        credential=response.data.credential,
        token_hash=hash_of(config.token),
    )
    save_identity(path=config.credential_file, identity=identity)
    return identity
