"""From one token to mutual TLS, and those who are not who they claim to be: all refused, nothing learned."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest

from agents.contracts import common_pb2, runner_pb2_grpc
from agents.contracts import runner_pb2 as pb
from agents.models import Agent, AgentCertificate, Server
from agents.pki.agent_keys import certificate_request
from agents.pki.certificates import make_authority, make_gateway_keys, sign_agent
from agents.pki.names import GATEWAY_NAME
from agents.runner.control_plane.channel import AS_GATEWAY, open_mutual_channel
from agents.runner.errors import EnrolmentRefusedError, UntrustedGatewayError
from agents.services import enrolment
from deployments.models import User
from tests import factories
from tests.agents.doubles import Domain
from tests.agents.trust.conftest import Make
from tests.agents.trust.stage import Caller, Place, in_thread, line_of, serving, ticket_for

NOW = datetime.now(UTC)
SECONDS = 30.0


async def refused(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code()


async def test_a_token_alone_is_enough_and_leads_to_mutual_tls(
    place: Place, caller: Caller, server: Server, tmp_path: Path
) -> None:
    welcome = await caller.connect()
    assert welcome.protocol >= 9
    assert caller.line.certificate is not None
    folder = tmp_path / "agent"
    kept = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert kept == {"credential.json": 0o600, "certificate.json": 0o600}
    # Without the token, and without any address: what was kept says it all.
    again = Caller(line=line_of(folder))
    assert (await again.connect()).protocol >= 9
    await again.line.close()
    certificate = await in_thread(AgentCertificate.objects.get)
    left = certificate.valid_until - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)


async def test_the_credential_alone_lets_nobody_in(place: Place, caller: Caller) -> None:
    metadata, heartbeat = caller.line.metadata(), pb.HeartbeatRequest()
    assert caller.line.certificate is not None
    assert await caller.line.stub.Heartbeat(heartbeat, metadata=metadata, timeout=SECONDS)
    roots = grpc.ssl_channel_credentials(caller.line.certificate.authorities.encode())
    async with grpc.aio.secure_channel(f"127.0.0.1:{place.port}", roots, options=AS_GATEWAY) as first:
        stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(first)  # type: ignore[no-untyped-call]
        assert (await stub.HealthCheck(common_pb2.Empty(), timeout=SECONDS)).serving
        for call in (
            stub.Heartbeat(heartbeat, metadata=metadata, timeout=SECONDS),
            stub.FetchSecrets(pb.FetchSecretsRequest(), metadata=metadata, timeout=SECONDS),
        ):
            assert await refused(call) is grpc.StatusCode.UNAUTHENTICATED
    async with grpc.aio.secure_channel(caller.line.address, roots, options=AS_GATEWAY) as second:
        stub = runner_pb2_grpc.RunnerAgentServiceStub(second)  # type: ignore[no-untyped-call]
        assert await refused(stub.HealthCheck(common_pb2.Empty(), timeout=SECONDS)) is grpc.StatusCode.UNAVAILABLE


class Listener(runner_pb2_grpc.RunnerAgentServiceServicer):
    """A man in the middle, who writes down what he is told."""

    def __init__(self) -> None:
        self.heard: list[pb.RegisterAgentRequest] = []

    async def RegisterAgent(self, request: pb.RegisterAgentRequest, context: Any) -> pb.RegisterAgentResponse:  # noqa: N802
        self.heard.append(request)
        return pb.RegisterAgentResponse()


@asynccontextmanager
async def man_in_the_middle(*, shows_too: str = "") -> AsyncIterator[tuple[Listener, int]]:
    keys = make_gateway_keys(authority=make_authority(now=NOW), names=["127.0.0.1"], now=NOW)
    pair = (keys.private_key.encode(), (keys.chain + shows_too).encode())
    server, listener = grpc.aio.server(), Listener()
    add: Any = runner_pb2_grpc.add_RunnerAgentServiceServicer_to_server
    add(listener, server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    yield listener, port
    await server.stop(0)


async def test_a_man_in_the_middle_learns_nothing(place: Place, server: Server, make: Make, caller: Caller) -> None:
    assert caller.line.certificate is not None
    token = await place.ticket(server, replace=True)
    async with man_in_the_middle() as (listener, port):
        victim = make("victim", token.replace(str(place.port), str(port)))
        with pytest.raises(UntrustedGatewayError, match="The token was not sent"):
            await victim.enrol()
    # He shows the right authority beside his own certificate, which it did not sign.
    async with man_in_the_middle(shows_too=caller.line.certificate.authorities) as (cunning, port):
        victim = make("other-victim", token.replace(str(place.port), str(port)))
        assert await refused(victim.enrol()) is grpc.StatusCode.UNAVAILABLE
    assert (listener.heard, cunning.heard) == ([], [])
    # The token was not spent, and is good where it belongs.
    assert (await make("third", token).enrol()).line.identity is not None


async def test_a_stolen_token_is_good_for_nothing_once_it_was_used(place: Place, server: Server, make: Make) -> None:
    token = await place.ticket(server)
    rightful = await make("rightful", token).enrol()
    with pytest.raises(EnrolmentRefusedError, match="unknown, used, expired"):
        await make("thief", token).enrol()
    assert (await rightful.connect()).protocol >= 9


async def test_who_lost_the_answer_asks_again_with_the_same_key_until_it_has_connected(
    place: Place, server: Server, make: Make, tmp_path: Path
) -> None:
    token = await place.ticket(server)
    agent = make("agent", token)
    first = await agent.enrol()
    assert first.line.certificate is not None
    # As after dying before anything was stored but the keys.
    keys = {"private_key": first.line.certificate.private_key, "sealing_key": first.line.certificate.sealing_key}
    folder = tmp_path / "agent"
    for path in folder.iterdir():
        path.unlink()
    kept = json.dumps({"token_hash": first.line.identity.token_hash if first.line.identity else "", **keys})
    (folder / "enrolling.json").write_text(kept)
    again = await Caller(line=line_of(folder, token)).enrol()
    assert (await again.connect()).protocol >= 9
    assert not (folder / "enrolling.json").exists()
    for path in folder.iterdir():
        path.unlink()
    (folder / "enrolling.json").write_text(kept)
    with pytest.raises(EnrolmentRefusedError):
        await Caller(line=line_of(folder, token)).enrol()
    await again.line.close()


async def test_revoking_ends_open_streams_at_once(place: Place, caller: Caller) -> None:
    await caller.connect()
    assert caller.line.identity is not None
    metadata = caller.line.metadata()
    # Trusted for some seconds without asking: that ends, too.
    assert await caller.line.stub.Heartbeat(pb.HeartbeatRequest(), metadata=metadata, timeout=SECONDS)
    agent = await in_thread(Agent.objects.get)
    await in_thread(lambda: enrolment.revoke(agent_id=agent.id))
    code, _ = await caller.end()
    assert code is grpc.StatusCode.ABORTED
    beat = caller.line.stub.Heartbeat(pb.HeartbeatRequest(), metadata=metadata, timeout=SECONDS)
    assert await refused(beat) is grpc.StatusCode.UNAUTHENTICATED
    assert await refused(caller.connect()) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_revoked_certificate_does_not_come_back_with_a_new_enrolment(
    place: Place, server: Server, caller: Caller, make: Make
) -> None:
    await caller.connect()
    newer = await make("newer", await place.ticket(server, replace=True)).enrol()
    assert (await caller.end())[0] is grpc.StatusCode.ABORTED
    assert (await newer.connect()).protocol >= 9
    # The old certificate with the new credential.
    stolen = newer.line.metadata()
    assert await refused(caller.connect(metadata=stolen)) is grpc.StatusCode.UNAUTHENTICATED


async def test_nobody_speaks_for_another_agent(place: Place, caller: Caller, owner: User, make: Make) -> None:
    other_server = await in_thread(lambda: factories.make_server(owner, name="server-2"))
    other = await make("other", await place.ticket(other_server)).enrol()
    assert other.line.identity is not None
    claimed = caller.connect(agent_id=other.line.identity.agent_id)
    assert await refused(claimed) is grpc.StatusCode.PERMISSION_DENIED
    # With another's credential on a certificate of one's own.
    mixed = caller.connect(agent_id=other.line.identity.agent_id, metadata=other.line.metadata())
    assert await refused(mixed) is grpc.StatusCode.UNAUTHENTICATED
    assert (await other.connect()).protocol >= 9


async def test_a_certificate_of_another_authority_gets_no_further_than_the_handshake(
    place: Place, caller: Caller
) -> None:
    present = caller.line.certificate
    assert present is not None
    assert caller.line.identity is not None
    request = certificate_request(present.private_key)
    agent_id = UUID(caller.line.identity.agent_id)
    forged = sign_agent(authority=make_authority(now=NOW), request=request, agent_id=agent_id, now=NOW)
    as_if = present.renewed(
        message=pb.AgentCertificate(certificate=forged.certificate, authorities=present.authorities),
        private_key=present.private_key,
    )
    async with open_mutual_channel(address=caller.line.address, certificate=as_if) as line:
        stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(line)  # type: ignore[no-untyped-call]
        beat = stub.Heartbeat(pb.HeartbeatRequest(), metadata=caller.line.metadata(), timeout=SECONDS)
        assert await refused(beat) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_off_by_an_hour_neither_locks_out_nor_lets_in(
    place: Place, caller: Caller, hours: int
) -> None:
    assert caller.line.certificate is not None
    skewed = datetime.now(UTC) + timedelta(hours=hours)
    assert not caller.line.certificate.is_over(now_ms=int(skewed.timestamp() * 1000))
    assert (await caller.connect()).protocol >= 9
    # It ended half an hour ago by the database, whatever any other clock says.
    ended = datetime.now(UTC) - timedelta(minutes=30)
    await in_thread(lambda: AgentCertificate.objects.update(valid_until=ended))
    place.gateway._callers.forget(agent_id=(await in_thread(Agent.objects.get)).id)
    assert await refused(caller.connect()) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_gateway_of_one_control_plane_is_none_of_another(place: Place, caller: Caller, domain: Domain) -> None:
    """An agent speaks with nobody but who its authority signed for, by the gateway's own name."""
    async with man_in_the_middle() as (listener, port):
        assert caller.line.certificate is not None
        moved = open_mutual_channel(address=f"127.0.0.1:{port}", certificate=caller.line.certificate)
        async with moved:
            stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(moved)  # type: ignore[no-untyped-call]
            beat = stub.Heartbeat(pb.HeartbeatRequest(), metadata=caller.line.metadata(), timeout=SECONDS)
            assert await refused(beat) is grpc.StatusCode.UNAVAILABLE
        assert listener.heard == []


async def test_an_agent_without_a_certificate_goes_on_as_before(
    transactional_db: None, domain: Domain, server: Server, tmp_path: Path
) -> None:
    """One of the former release: a bare token over plain loopback, and a credential alone."""
    async with serving(domain, authority_tls=False) as place:
        token = (await in_thread(lambda: ticket_for(server, port=place.port))).partition(".")[0]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{place.port}") as channel:
            stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
            answer = await stub.RegisterAgent(pb.RegisterAgentRequest(agent_token=token), timeout=SECONDS)
            assert (answer.data.mutual_address, answer.data.HasField("certificate")) == ("", False)
            metadata = (("authorization", f"Bearer {answer.data.credential}"),)
            assert await stub.Heartbeat(pb.HeartbeatRequest(), metadata=metadata, timeout=SECONDS)


async def test_a_gateway_of_the_former_release_is_enrolled_with_as_before(
    transactional_db: None, domain: Domain, server: Server, tmp_path: Path
) -> None:
    """It knows no certificates, so it gives none."""
    async with serving(domain, authority_tls=False, mutual_bind="") as place:
        secret = (await in_thread(lambda: ticket_for(server, port=place.port))).partition(".")[0]
        address = {"AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://127.0.0.1:{place.port}"}
        agent = await Caller(line=line_of(tmp_path / "agent", secret, **address)).enrol()
        assert agent.line.certificate is None
        assert (await agent.connect()).protocol >= 9
        await agent.line.close()


def test_the_gateways_name_is_no_name_of_the_internet() -> None:
    assert GATEWAY_NAME.endswith(".internal")


async def test_many_handshakes_at_once_are_served(place: Place, caller: Caller) -> None:
    """gRPC asks for what it shows from threads of its own."""
    beats = []
    for number in range(10):
        assert caller.line.certificate is not None
        channel = grpc.aio.secure_channel(
            caller.line.address,
            grpc.ssl_channel_credentials(
                caller.line.certificate.authorities.encode(),
                caller.line.certificate.private_key.encode(),
                caller.line.certificate.certificate.encode(),
            ),
            options=[*AS_GATEWAY, ("grpc.use_local_subchannel_pool", 1), ("test.number", number)],
        )
        stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
        beats.append(stub.Heartbeat(pb.HeartbeatRequest(), metadata=caller.line.metadata(), timeout=SECONDS))
    assert len(await asyncio.gather(*beats)) == 10
