"""The line to the gateway: who this agent is, how it proves that, and the channel it speaks on at present."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from agents.contracts import runner_pb2 as pb
from agents.contracts.runner_pb2_grpc import RunnerAgentServiceStub
from agents.runner.config import Config
from agents.runner.control_plane.certificate import Certificate, hash_of, load_certificate
from agents.runner.control_plane.channel import open_channel, open_enrolling_channel, open_mutual_channel
from agents.runner.control_plane.identity import Identity, enrol, load_identity
from agents.runner.errors import EnrolmentRefusedError, StepFailedError, UnavailableError

T = TypeVar("T")
logger = logging.getLogger(__name__)
ENDED = (
    "This agent's certificate ended on {day}, so the control plane does not let it in. Make a new enrolment token on"
    " the server's page and start the agent with it. What runs on this machine goes on running."
)

UNTRUSTED = (
    "The gateway shows a certificate that this agent does not trust. Either the control plane's authority was replaced"
    " while this agent was away: then make a new enrolment token on the server's page and start the agent with it. Or"
    " another server answers there: then find out which. What runs on this machine goes on running."
)
# As OpenSSL and its kin name it, within what gRPC says of a connection that failed.
NOT_TRUSTED = "CERTIFICATE_VERIFY_FAILED"


class Line:
    """Belongs to the event loop. A channel is opened when it is needed and closed when another one takes its place."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._channel: grpc.aio.Channel | None = None
        self._opened_for: object = None
        self._stub: Any = None
        self.identity: Identity | None = load_identity(config.credential_file)
        self.certificate: Certificate | None = self._stored_certificate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def stub(self) -> Any:
        """Return the calls of the channel at present."""
        if self._stub is None:
            raise UnavailableError("There is no line to the control plane yet.")
        return self._stub

    @property
    def address(self) -> str:
        return self.certificate.address(self._config.address) if self.certificate else self._config.address

    def metadata(self) -> tuple[tuple[str, str], ...]:
        return self.identity.metadata() if self.identity else ()

    async def dial(self, *, info: Callable[[], pb.AgentInfo], lanes: Sequence[str]) -> Identity:
        """Enrol if need be, and have the channel on which this agent is known. Returns who it is.

        `lanes` are those that the journal knows. Raises what `enrol` does, or UnavailableError
        where nobody said where to go.
        """
        if self.identity is None:
            await self._enrol(info=info, lanes=lanes)
        if self.identity is None:
            raise AssertionError("Enrolling raises or succeeds.")
        if self.certificate is None:
            self._require_address()
            await self._use("credential", lambda: open_channel(self._config))
        else:
            certificate = self.certificate
            await self._use(certificate, lambda: open_mutual_channel(address=self.address, certificate=certificate))
        return self.identity

    def open_sealed(self, sealed: bytes, *, deployment_id: str) -> dict[str, str]:
        """Return the values that were sealed to this agent. Raises StepFailedError where they do not open."""
        # Loaded only when values come: an agent at rest is small.
        from agents.pki.sealed_values import open_values

        return self._opened(
            "values", lambda key: open_values(sealed=sealed, sealing_key=key, deployment_id=deployment_id)
        )

    def open_logins(self, sealed: bytes, *, deployment_id: str) -> list[dict[str, str]]:
        """Return the registries that were sealed to this agent. Raises StepFailedError where they do not open."""
        from agents.pki.sealed_values import open_logins

        return self._opened(
            "registries", lambda key: open_logins(sealed=sealed, sealing_key=key, deployment_id=deployment_id)
        )

    def _opened(self, what: str, opens: Callable[[str], T]) -> T:
        from agents.pki.sealed_values import CannotOpenError

        try:
            if self.certificate is None:
                raise CannotOpenError
            return opens(self.certificate.sealing_key)
        except CannotOpenError as error:
            message = f"The {what} of this deployment were sealed to another key than this agent's. Deploy again."
            raise StepFailedError("invalid", message) from error

    def has_new_token(self) -> bool:
        """Tell whether a token is configured that is not the one which bought our credential."""
        identity, token = self.identity, self._config.token
        return bool(identity and token and hash_of(token) != identity.token_hash)

    def note_failure(self, error: BaseException) -> None:
        """Give up an identity that is refused, or finds no trusted gateway, if a new token was configured since.

        Where the token is refused, what is stored is tried again. Says what to do where a person has to.
        """
        if isinstance(error, EnrolmentRefusedError):
            self.identity = load_identity(self._config.credential_file)
            self.certificate = self._stored_certificate()
            return
        ended = self.certificate is not None and self.certificate.is_over(now_ms=time.time_ns() // 1_000_000)
        code = error.code() if isinstance(error, grpc.RpcError) else None
        refused = code is grpc.StatusCode.UNAUTHENTICATED
        # Either side may trust the other's authority no more, which looks like nobody being there.
        apart = code is grpc.StatusCode.UNAVAILABLE and self.certificate is not None
        if (refused or ended or apart) and self.has_new_token():
            self.identity = self.certificate = None
        elif ended and self.certificate is not None:
            day = time.strftime("%Y-%m-%d", time.gmtime(self.certificate.valid_until_ms / 1000))
            logger.error(ENDED.format(day=day))
        elif apart and isinstance(error, grpc.RpcError) and NOT_TRUSTED in (error.details() or ""):
            logger.error(UNTRUSTED)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close(None)
        self._channel = self._stub = self._opened_for = None

    async def _enrol(self, *, info: Callable[[], pb.AgentInfo], lanes: Sequence[str]) -> None:
        self._require_address()
        described = await asyncio.to_thread(info)
        channel = await open_enrolling_channel(self._config)
        async with channel:
            stub = RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
            self.identity = await enrol(stub=stub, config=self._config, info=described, lanes=lanes)
        self.certificate = self._stored_certificate()
        how = "with a certificate" if self.certificate else "without a certificate"
        logger.info("enrolled as agent %s, %s", self.identity.agent_id, how)

    def _require_address(self) -> None:
        if not self._config.address:
            raise UnavailableError("control_plane.grpc_url is not set, and no enrolment token says where to go.")

    def _stored_certificate(self) -> Certificate | None:
        if self.identity is None:
            return None
        return load_certificate(credential_file=self._config.credential_file, credential=self.identity.credential)

    async def _use(self, key: object, make: Callable[[], grpc.aio.Channel]) -> None:
        if self._opened_for == key:
            return
        former, self._channel = self._channel, make()
        self._stub = RunnerAgentServiceStub(self._channel)  # type: ignore[no-untyped-call]  # generated
        self._opened_for = key
        # What is asked on it is cancelled, and asked again: by then of the new one.
        if former is not None:
            await former.close(None)
