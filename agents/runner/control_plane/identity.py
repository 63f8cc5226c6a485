"""Who this agent is: an id and a credential, got once for the enrolment token and kept in a file of mode 0600."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.runner.config import Config
from agents.runner.errors import EnrolmentRefusedError, UnavailableError
from agents.runner.journal.durable import write_private

CALL_SECONDS = 15.0
ROOM_BYTES = 16 * 1024
MAX_FORMER_LANES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`token_hash` tells whether the configured token is the one that was used up.

    `former_lanes`: those worked in for a server that this agent was enrolled for before: nobody orders there now.
    """

    agent_id: str
    server_id: str
    credential: str = field(repr=False)
    token_hash: str
    former_lanes: tuple[str, ...] = ()

    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.credential}"),)


def load_identity(path: Path) -> Identity | None:
    """Return the stored identity; None when the agent was never enrolled."""
    if not path.exists():
        return None
    document = json.loads(path.read_text())
    return Identity(**{**document, "former_lanes": tuple(document.get("former_lanes", ()))})


def save_identity(*, path: Path, identity: Identity) -> None:
    """Write the identity to the disk, before it is used: the token that bought it works only once."""
    write_private(path, json.dumps(asdict(identity)).encode())


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def enrol(*, stub: Any, config: Config, info: pb.AgentInfo, lanes: Sequence[str]) -> Identity:
    """Exchange the token for a credential; `lanes` are those that the journal knows.

    Raises EnrolmentRefusedError, UnavailableError when there is no room to keep what the token buys, which it does only
    once, or grpc.RpcError when nobody answers.
    """
    if not config.token:
        raise EnrolmentRefusedError("This agent is not enrolled and has no token: set agent.token and agent.server_id.")
    request = pb.RegisterAgentRequest(server_id=config.server_id, agent_token=config.token, agent_info=info)
    with _room_for(config.credential_file):
        response = await stub.RegisterAgent(request, timeout=CALL_SECONDS)
    if response.status != common_pb2.SUCCESS or not response.data.registration_successful:
        raise EnrolmentRefusedError(response.error.message or response.data.message or "The token was refused.")
    server_id = response.data.server_id or config.server_id
    identity = Identity(
        agent_id=response.data.agent_id,
        server_id=server_id,
        credential=response.data.credential,
        token_hash=hash_of(config.token),
        former_lanes=_former_lanes(load_identity(config.credential_file), server_id=server_id, lanes=lanes),
    )
    save_identity(path=config.credential_file, identity=identity)
    return identity


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """Hold the space that the credential will need. Raises UnavailableError where there is none."""
    room = path.with_suffix(".room")
    try:
        write_private(room, bytes(ROOM_BYTES))
    except OSError as error:
        raise UnavailableError(f"There is no room for the credential in {path.parent}: {error.strerror}.") from error
    try:
        yield
    finally:
        room.unlink(missing_ok=True)


def _former_lanes(former: Identity | None, *, server_id: str, lanes: Sequence[str]) -> tuple[str, ...]:
    """Return the newest lanes in which nobody orders any more: those of the server that we were enrolled for before."""
    if former is None:
        return ()
    added = lanes if former.server_id != server_id else ()
    return tuple(dict.fromkeys([*added, *former.former_lanes]))[:MAX_FORMER_LANES]
