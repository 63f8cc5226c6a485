"""Agents with a good certificate and bad intent, over mutual TLS: a table of what they try.

Each is refused with a code or left alone, learns nothing of others, has nothing stored, and disturbs nobody: the other
agent's heartbeat and a command for it go through after each.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import PROTOCOL
from agents.models import AgentCertificate, CommandRecord, Server
from agents.runner.control_plane.channel import AS_GATEWAY
from agents.transport import admission
from agents.types import CommandData
from deployments.models import User
from tests import factories
from tests.agents.doubles import Domain, send
from tests.agents.trust.conftest import Make
from tests.agents.trust.stage import SECONDS, Caller, in_thread, serving

SERVICE = "/axion.runner.RunnerAgentService/"
MIB = 1024 * 1024
OK, DENIED, UNKNOWN_THING = grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND
WRONG, NOBODY = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAUTHENTICATED
TOO_MUCH, TOO_LATE = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED


@dataclass
class Scene:
    """One who attacks, and one who works: `theirs` is a command of the latter, `own` one of the former."""

    attacker: Caller
    victim: Caller
    theirs: CommandData
    own: CommandData
    line: Any
    domain: Domain
    told: list[str] = field(default_factory=list)
    number: int = 0

    @property
    def stub(self) -> Any:
        return self.attacker.line.stub

    def hello(self, **said: Any) -> pb.FromAgent:
        identity = self.attacker.line.identity
        assert identity is not None
        return pb.FromAgent(hello=pb.Hello(**{"agent_id": identity.agent_id, "protocol": PROTOCOL, **said}))

    async def call(self, call: Any) -> grpc.StatusCode:
        """How a call of one answer ends; what it told is kept."""
        try:
            self.told.append(str(await call))
        except grpc.aio.AioRpcError as error:
            self.told.append(error.details() or "")
            return error.code()
        return OK

    async def session(self, *messages: pb.FromAgent, until: Callable[[pb.ToAgent], bool] | None = None) -> Any:
        """Say these in a session; the status that it ends with, or OK once `until` was told."""
        call = self.stub.Session(metadata=self.attacker.line.metadata())
        try:
            async with asyncio.timeout(SECONDS):
                for message in messages:
                    await call.write(message)
                while isinstance(answer := await call.read(), pb.ToAgent):
                    self.told.append(str(answer))
                    if until is not None and until(answer):
                        return OK
                return await call.code()
        except grpc.aio.AioRpcError as error:
            self.told.append(error.details() or "")
            return error.code()
        finally:
            call.cancel()

    async def in_session(self, *messages: pb.FromAgent) -> Any:
        """Say these in a session of its own, then report truly: when that is stored, all before it was judged."""
        self.number += 1
        last = report(self.own, number=self.number)
        return await self.session(
            self.hello(), *messages, last, until=lambda answer: stored(answer, of=self.own) == self.number
        )

    def raw(self, name: str, *contents: bytes) -> Any:
        """A call whose messages are these bytes."""
        made = self.line.stream_unary if name != "Session" else self.line.stream_stream
        return made(SERVICE + name)(iter(contents), metadata=self.attacker.line.metadata(), timeout=SECONDS)


def report(command: CommandData, *, number: int, deployment_id: Any = None) -> pb.FromAgent:
    said = pb.LogWritten(source="build", text="line\n")
    ids: dict[str, Any] = {"command_id": str(command.id), "deployment_id": str(deployment_id or command.deployment_id)}
    return pb.FromAgent(report=pb.Report(**ids, number=number, at_ms=1, log=said))


def stored(answer: pb.ToAgent, *, of: CommandData) -> int:
    told = answer.reports_acknowledged
    return int(told.number) if told.command_id == str(of.id) else 0


@pytest.fixture
async def scene(
    transactional_db: None, domain: Domain, server: Server, owner: User, make: Make, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    monkeypatch.setattr(admission, "MESSAGE_SECONDS", 0.5)
    async with serving(domain, hello_deadline=0.5) as place:
        attacker = await make("attacker", await place.ticket(server)).enrol()
        other = await in_thread(lambda: factories.make_server(owner, name="the-victims-server"))
        victim = await make("victim", await place.ticket(other)).enrol()
        ids = [each.line.identity.agent_id for each in (attacker, victim) if each.line.identity]
        own, theirs = [await in_thread(partial(send, agent_id=UUID(each))) for each in ids]
        await victim.connect()
        await victim.until(lambda message: message.command.command_id == str(theirs.id))
        certificate = attacker.line.certificate
        assert certificate is not None
        shown = [each.encode() for each in (certificate.authorities, certificate.private_key, certificate.certificate)]
        unbounded = [*AS_GATEWAY, ("grpc.max_send_message_length", -1), ("grpc.max_metadata_size", 8 * MIB)]
        async with grpc.aio.secure_channel(
            attacker.line.address, grpc.ssl_channel_credentials(*shown), options=unbounded
        ) as line:
            yield Scene(attacker=attacker, victim=victim, theirs=theirs, own=own, line=line, domain=domain)


async def claims_another_id(scene: Scene) -> Any:
    victim = scene.victim.line.identity
    assert victim is not None
    return await scene.session(scene.hello(agent_id=victim.agent_id))


async def beats_for_another(scene: Scene) -> Any:
    victim, metadata = scene.victim.line.identity, scene.attacker.line.metadata()
    assert victim is not None
    beat = pb.HeartbeatRequest(agent_id=victim.agent_id)
    return await scene.call(scene.stub.Heartbeat(beat, metadata=metadata, timeout=SECONDS))


async def measures_for_another(scene: Scene) -> Any:
    victim, metadata = scene.victim.line.identity, scene.attacker.line.metadata()
    assert victim is not None
    measured = pb.SendMetricsRequest(agent_id=victim.agent_id)
    return await scene.call(scene.stub.SendMetrics(measured, metadata=metadata, timeout=SECONDS))


async def takes_anothers_credential(scene: Scene) -> Any:
    beat, metadata = pb.HeartbeatRequest(), scene.victim.line.metadata()
    return await scene.call(scene.stub.Heartbeat(beat, metadata=metadata, timeout=SECONDS))


async def asks_as_a_user(scene: Scene) -> Any:
    wish, metadata = pb.ListAgentsRequest(), scene.attacker.line.metadata()
    return await scene.call(scene.stub.ListAgents(wish, metadata=metadata, timeout=SECONDS))


async def fetches_anothers_values(scene: Scene) -> Any:
    """There and not there are answered alike."""
    codes = set()
    for wanted in (scene.theirs.deployment_id, uuid4()):
        request = pb.FetchSecretsRequest(deployment_id=str(wanted))
        codes.add(
            await scene.call(scene.stub.FetchSecrets(request, metadata=scene.attacker.line.metadata(), timeout=SECONDS))
        )
    assert scene.told[-1] == scene.told[-2]
    return codes.pop() if len(codes) == 1 else codes


async def fetches_anothers_code(scene: Scene) -> Any:
    request = pb.FetchBundleRequest(digest="theirs")
    call = scene.stub.FetchBundle(request, metadata=scene.attacker.line.metadata(), timeout=SECONDS)
    return await scene.call(anext(aiter(call)))


async def reports_for_another(scene: Scene) -> Any:
    """A command of another is answered as one that there never was: forgotten, under the id that was said."""
    made_up = replace(scene.theirs, id=uuid4(), deployment_id=uuid4())
    answer = pb.CommandAcknowledged(command_id=str(scene.theirs.id), accepted=False, refusal="invalid", message="no")
    code = await scene.in_session(
        report(scene.theirs, number=1),
        report(made_up, number=1),
        report(scene.own, number=9, deployment_id=scene.theirs.deployment_id),
        pb.FromAgent(acknowledged=answer),
        pb.FromAgent(update=pb.UpdateState(update_id=str(uuid4()), state="done")),
    )
    theirs, nobodys = str(scene.theirs.id), str(made_up.id)
    alike = [text.replace(nobodys, theirs) for text in scene.told if nobodys in text]
    assert alike == [text for text in scene.told if theirs in text]
    scene.told = [text for text in scene.told if theirs not in text]
    return code


async def repeats_and_skips(scene: Scene) -> Any:
    known = scene.number
    again = [report(scene.own, number=number) for number in (known + 7, max(1, known), 2**63 - 1)]
    return await scene.in_session(*again)


async def speaks_nonsense(scene: Scene) -> Any:
    made_up = pb.Report(command_id="no id", deployment_id="'; DROP TABLE agents; --", number=1)
    garbage = pb.CertificateRequest(request=b"\x30" * 200)
    return await scene.in_session(pb.FromAgent(report=made_up), pb.FromAgent(certificate_request=garbage))


async def says_what_is_no_hello(scene: Scene) -> Any:
    return await scene.session(pb.FromAgent(heartbeat=pb.HeartbeatRequest()))


async def says_a_hello_with_no_ids(scene: Scene) -> Any:
    return await scene.session(scene.hello(unfinished_command_ids=["no id"]))


async def says_nothing(scene: Scene) -> Any:
    return await scene.session()


async def calls_and_says_nothing(scene: Scene) -> Any:
    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.sleep(SECONDS)
        yield b""

    metadata = scene.attacker.line.metadata()
    call = scene.line.stream_unary(SERVICE + "Heartbeat")(nothing(), metadata=metadata, timeout=SECONDS)
    return await scene.call(call)


async def comes_from_the_future(scene: Scene) -> Any:
    newer = scene.hello(protocol=2**31 - 1, commands={"deploy": 99, "teleport": 99}, clock_ms=2**62)
    return await scene.session(newer, until=lambda answer: answer.HasField("welcome"))


async def comes_from_the_past(scene: Scene) -> Any:
    return await scene.session(scene.hello(clock_ms=1), until=lambda answer: answer.HasField("welcome"))


async def sends_bytes_that_are_no_message(scene: Scene) -> Any:
    return await scene.call(scene.raw("Heartbeat", b"\xff" * 300))


async def sends_one_message_without_end(scene: Scene) -> Any:
    return await scene.call(scene.raw("Heartbeat", bytes(32 * MIB)))


async def sends_headers_without_end(scene: Scene) -> Any:
    metadata = (*scene.attacker.line.metadata(), *((f"x-{number}", "y" * 4096) for number in range(64)))
    return await scene.call(scene.line.stream_unary(SERVICE + "Heartbeat")(iter([b""]), metadata=metadata, timeout=10))


async def holds_lines_open_that_never_speak(scene: Scene) -> Any:
    host, _, port = scene.attacker.line.address.rpartition(":")
    held = [socket.create_connection((host, int(port)), timeout=SECONDS) for _ in range(100)]
    try:
        await works(scene)
    finally:
        for each in held:
            each.close()
    return OK


async def calls_all_at_once(scene: Scene) -> Any:
    request, metadata = pb.HeartbeatRequest(), scene.attacker.line.metadata()
    held = range(admission.MAX_CALLS_PER_CALLER)
    silent = [scene.stub.StreamMetrics(metadata=metadata, timeout=SECONDS) for _ in held]
    async with asyncio.timeout(SECONDS):  # until all of them are held
        while await scene.call(scene.stub.Heartbeat(request, metadata=metadata, timeout=SECONDS)) is OK:
            await asyncio.sleep(0.05)
    codes = {await scene.call(scene.stub.Heartbeat(request, metadata=metadata, timeout=SECONDS)) for _ in range(3)}
    for each in silent:
        each.cancel()
    return codes.pop() if len(codes) == 1 else codes


async def opens_sessions_for_ever(scene: Scene) -> Any:
    for _ in range(200):
        code = await scene.session(scene.hello(), until=lambda answer: answer.HasField("welcome"))
        if code is not OK:
            return code
    return OK


TABLE: dict[Callable[[Scene], Awaitable[Any]], grpc.StatusCode] = {
    claims_another_id: DENIED,
    beats_for_another: DENIED,
    measures_for_another: DENIED,
    takes_anothers_credential: NOBODY,
    asks_as_a_user: NOBODY,
    fetches_anothers_values: UNKNOWN_THING,
    fetches_anothers_code: UNKNOWN_THING,
    # Left alone: its session goes on, and what it may say is stored.
    reports_for_another: OK,
    repeats_and_skips: OK,
    speaks_nonsense: OK,
    says_what_is_no_hello: WRONG,
    says_a_hello_with_no_ids: WRONG,
    says_nothing: TOO_LATE,
    calls_and_says_nothing: TOO_LATE,
    comes_from_the_future: OK,
    comes_from_the_past: OK,
    sends_bytes_that_are_no_message: WRONG,
    sends_one_message_without_end: TOO_MUCH,
    sends_headers_without_end: TOO_MUCH,
    holds_lines_open_that_never_speak: OK,
    calls_all_at_once: TOO_MUCH,
    opens_sessions_for_ever: TOO_MUCH,
}


async def works(scene: Scene) -> None:
    """The other agent is heard, and is given a command."""
    victim = scene.victim
    metadata, identity = victim.line.metadata(), victim.line.identity
    assert identity is not None
    assert await victim.line.stub.Heartbeat(pb.HeartbeatRequest(), metadata=metadata, timeout=SECONDS)
    sent = await in_thread(lambda: send(agent_id=UUID(identity.agent_id), lane=uuid4().hex))
    await victim.until(lambda message: message.command.command_id == str(sent.id))
    answer = pb.CommandAcknowledged(command_id=str(sent.id), accepted=True)
    await victim.call.write(pb.FromAgent(acknowledged=answer))


async def test_each_is_refused_learns_nothing_and_disturbs_nobody(scene: Scene) -> None:
    await scene.attacker.line.dial(info=lambda: pb.AgentInfo(version="t"), lanes=())
    identity = scene.victim.line.identity
    assert identity is not None
    foreign = (
        identity.agent_id, identity.server_id, identity.credential, str(scene.theirs.id),
        str(scene.theirs.deployment_id), "the-victims-server",
    )  # fmt: skip
    certificates = await in_thread(AgentCertificate.objects.count)
    for attack, code in TABLE.items():
        scene.told.clear()
        assert await attack(scene) is code, (attack.__name__, scene.told)
        assert not [text for text in scene.told for name in foreign if name in text], attack.__name__
        await works(scene)
    # Nothing was stored but what the attacker may say of its own command, once and in order.
    assert {each.command_id for each in scene.domain.applied} == {scene.own.id}
    assert [each.number for each in scene.domain.applied] == list(range(1, scene.number + 1))
    theirs = await in_thread(lambda: CommandRecord.objects.get(pk=scene.theirs.id))
    assert (theirs.acknowledged_at, theirs.refusal, theirs.last_report_number) == (None, "", 0)
    assert await in_thread(AgentCertificate.objects.count) == certificates
