"""What work asks of the control plane: bundles and secrets. Work threads call; the session's loop does it."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import grpc
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from agents.contracts import runner_pb2 as pb
from agents.runner.control_plane.line import Line
from agents.runner.errors import StepFailedError, UnavailableError
from agents.runner.interrupt import Interrupt
from agents.runner.planning.registries import RegistryLogin

PATIENCE_SECONDS = 600.0
CALL_SECONDS = 30.0
BUNDLE_SECONDS = 600.0
# Without a piece of the bundle for this long, it is asked for anew.
CHUNK_SECONDS = 60.0
REFUSALS = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)
# What is read of a registry that was sealed; a newer control plane may say more.
LOGIN = ("name", "address", "username", "password", "ca_certificate")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class FetchedSecrets:
    """What a deployment needs and nobody else may read: values by name, and logins of registries."""

    values: Mapping[str, str] = field(repr=False)
    logins: tuple[RegistryLogin, ...] = ()


class Calls(Protocol):
    """The gateway's side calls, as coroutines of the session's loop."""

    async def fetch_secrets(self, deployment_id: str) -> FetchedSecrets: ...

    async def fetch_bundle(self, digest: str, sink: Callable[[bytes], object]) -> None: ...

    async def offer_join_token(self, command_id: str, token: str) -> None: ...

    async def tell_containers(self, command_id: str, containers: bytes) -> None: ...


class ControlPlane:
    """Waits through an outage of the control plane, up to ten minutes; ends at once when the work is interrupted."""

    def __init__(
        self, *, calls: Calls, loop: asyncio.AbstractEventLoop, note_activity: Callable[[], None] = lambda: None
    ) -> None:
        self._calls = calls
        self._loop = loop
        self._note_activity = note_activity

    def with_activity(self, note_activity: Callable[[], None]) -> ControlPlane:
        """Return a client for one command's work: `note_activity` is called for each piece of a bundle."""
        return ControlPlane(calls=self._calls, loop=self._loop, note_activity=note_activity)

    def secrets(self, *, deployment_id: str, interrupt: Interrupt) -> FetchedSecrets:
        """Return values and logins of a deployment; keep them in memory only. Raises StepFailedError when refused."""
        return self._ask(
            what=f"the variables of deployment {deployment_id}",
            call=lambda: self._calls.fetch_secrets(deployment_id),
            seconds=CALL_SECONDS,
            interrupt=interrupt,
        )

    def offer_join_token(self, *, command_id: str, token: str, interrupt: Interrupt) -> None:
        """Hand over a token with which a node joins; written down nowhere. Raises StepFailedError when refused."""
        self._ask(
            what="a place for the join token",
            call=lambda: self._calls.offer_join_token(command_id, token),
            seconds=CALL_SECONDS,
            interrupt=interrupt,
        )

    def tell_containers(self, *, command_id: str, containers: bytes, interrupt: Interrupt) -> None:
        """Hand over how containers are set up; written down nowhere. Raises StepFailedError when refused."""
        self._ask(
            what="a place for what was described",
            call=lambda: self._calls.tell_containers(command_id, containers),
            seconds=CALL_SECONDS,
            interrupt=interrupt,
        )

    def bundle(self, *, digest: str, start: Callable[[], Callable[[bytes], object]], interrupt: Interrupt) -> None:
        """Stream a bundle; `start` is called for each attempt and returns where its bytes go."""

        def sink() -> Callable[[bytes], object]:
            take = start()

            def taken(data: bytes) -> None:
                self._note_activity()
                take(data)

            return taken

        self._ask(
            what=f"the code bundle {digest}",
            call=lambda: self._calls.fetch_bundle(digest, sink()),
            seconds=BUNDLE_SECONDS,
            interrupt=interrupt,
        )

    def _ask(
        self, *, what: str, call: Callable[[], Coroutine[Any, Any, Result]], seconds: float, interrupt: Interrupt
    ) -> Result:
        def attempt() -> Result:
            interrupt.check()
            future = asyncio.run_coroutine_threadsafe(call(), self._loop)
            forget = interrupt.on_set(lambda: _cancel(future))
            try:
                return future.result(timeout=seconds)
            except (asyncio.CancelledError, concurrent.futures.CancelledError):
                interrupt.check()
                # The line took another channel, such as one with a renewed certificate: it is asked again on that.
                raise TimeoutError("The line to the control plane was closed.") from None
            finally:
                forget()
                # One that is late must not go on writing beside the next attempt.
                future.cancel()

        attempts = Retrying(
            stop=stop_after_delay(PATIENCE_SECONDS),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            retry=retry_if_exception(_may_pass),
            # Not a plain sleep: a pause ends with the work.
            sleep=interrupt.pause,
            reraise=True,
        )
        try:
            return attempts(attempt)
        except grpc.RpcError as error:
            if _may_pass(error):
                raise UnavailableError(f"The control plane did not give {what}.") from error
            raise StepFailedError("internal", f"The control plane refused {what}.") from error
        except TimeoutError as error:
            raise UnavailableError(f"The control plane did not give {what} in time.") from error


def once(
    fetch: Callable[[str], Coroutine[Any, Any, Result]], loop: asyncio.AbstractEventLoop
) -> Callable[[str], Result]:
    """Return the call for other threads: one attempt, within CALL_SECONDS; raises grpc.RpcError or TimeoutError."""

    def ask(name: str) -> Result:
        future = asyncio.run_coroutine_threadsafe(fetch(name), loop)
        try:
            return future.result(timeout=CALL_SECONDS)
        finally:
            future.cancel()

    return ask


def _cancel(future: Any) -> None:
    future.cancel()


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, grpc.RpcError):
        return error.code() not in REFUSALS
    return isinstance(error, TimeoutError)


def _login(told: pb.RegistryLogin) -> RegistryLogin:
    return RegistryLogin(
        name=told.name,
        address=told.address,
        username=told.username,
        password=told.password,
        ca_certificate=told.ca_certificate,
    )


class GatewayCalls:
    """Calls over the session's channel."""

    def __init__(self, *, line: Line) -> None:
        self._line = line

    async def fetch_values(self, deployment_id: str) -> dict[str, str]:
        """Return the values of a deployment alone, for whoever only masks them."""
        return dict((await self.fetch_secrets(deployment_id)).values)

    async def fetch_secrets(self, deployment_id: str) -> FetchedSecrets:
        request = pb.FetchSecretsRequest(deployment_id=deployment_id, opens_registries=True)
        response = await self._line.stub.FetchSecrets(request, metadata=self._line.metadata(), timeout=CALL_SECONDS)
        values = dict(response.values)
        if response.sealed:
            values = self._line.open_sealed(response.sealed, deployment_id=deployment_id)
        logins = tuple(_login(each) for each in response.registries)
        if response.sealed_registries:
            told = self._line.open_logins(response.sealed_registries, deployment_id=deployment_id)
            logins = tuple(RegistryLogin(**{name: each[name] for name in LOGIN}) for each in told)
        return FetchedSecrets(values=values, logins=logins)

    async def offer_join_token(self, command_id: str, token: str) -> None:
        request = pb.OfferJoinTokenRequest(command_id=command_id, token=token)
        await self._line.stub.OfferJoinToken(request, metadata=self._line.metadata(), timeout=CALL_SECONDS)

    async def tell_containers(self, command_id: str, containers: bytes) -> None:
        request = pb.TellContainersRequest(command_id=command_id, containers=containers)
        await self._line.stub.TellContainers(request, metadata=self._line.metadata(), timeout=CALL_SECONDS)

    async def fetch_bundle(self, digest: str, sink: Callable[[bytes], object]) -> None:
        request = pb.FetchBundleRequest(digest=digest)
        call = self._line.stub.FetchBundle(request, metadata=self._line.metadata(), timeout=BUNDLE_SECONDS)
        try:
            chunks = aiter(call)
            while True:
                async with asyncio.timeout(CHUNK_SECONDS):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                sink(chunk.data)
        finally:
            call.cancel()
