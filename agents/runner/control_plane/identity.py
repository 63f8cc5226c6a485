"""Who this agent is: an id and a credential, got once for the enrolment token and kept in a file of mode 0600."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.runner.config import Config
from agents.runner.control_plane.certificate import (
    Certificate,
    Keys,
    forget_enrolling,
    hash_of,
    keys_to_enrol_with,
    save_certificate,
)
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


async def enrol(*, stub: Any, config: Config, info: pb.AgentInfo, lanes: Sequence[str]) -> Identity:
    """Exchange the token for a credential and, where the gateway gives one, a certificate for keys made here.

    `lanes` are those that the journal knows. Dies at any line without harm: whoever asks once more with the same keys
    is answered again, and a certificate without its credential is not used. Raises EnrolmentRefusedError,
    UnavailableError when there is no room to keep what the token buys, which it does only once, or grpc.RpcError when
    nobody answers.
    """
    if not config.token:
        raise EnrolmentRefusedError("This agent is not enrolled and has no token: set agent.token.")
    with _room_for(config.credential_file):
        keys = keys_to_enrol_with(credential_file=config.credential_file, token_hash=hash_of(config.token))
        request = _request(config=config, info=info, keys=keys)
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
    if response.data.certificate.certificate:
        certificate = _certificate(response.data, config=config, keys=keys)
        save_certificate(credential_file=config.credential_file, certificate=certificate)
    save_identity(path=config.credential_file, identity=identity)
    forget_enrolling(config.credential_file)
    return identity


def _request(*, config: Config, info: pb.AgentInfo, keys: Keys) -> pb.RegisterAgentRequest:
    # Loaded only here: an agent at rest is small.
    from agents.pki.agent_keys import certificate_request, sealing_public_key

    return pb.RegisterAgentRequest(
        server_id=config.server_id,
        agent_token=config.token,
        agent_info=info,
        certificate_request=certificate_request(keys.private_key),
        sealing_key=sealing_public_key(keys.sealing_key),
    )


def _certificate(data: pb.RegisterAgentData, *, config: Config, keys: Keys) -> Certificate:
    return Certificate(
        credential_hash=hash_of(data.credential),
        enrolled_at=config.address,
        mutual_address=data.mutual_address,
        certificate=data.certificate.certificate,
        authorities=data.certificate.authorities,
        private_key=keys.private_key,
        sealing_key=keys.sealing_key,
        issued_ms=data.certificate.issued_ms,
        valid_until_ms=data.certificate.valid_until_ms,
    )


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
