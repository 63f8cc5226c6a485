"""This agent's link to the control plane over the broker; see agents/transport/kafka_way for the other side."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import uuid4

import grpc
from google.protobuf.message import Message

from agents.kafka_link.envelopes import SIGNATURE, commands_topic, event_envelope, events_topic, frame_in
from agents.kafka_link.frames import Assembly, BadFrameError, Frame, pieces
from agents.kafka_link.keys import LinkKeys, NotAuthenticError
from agents.kafka_link.messages import SESSION, content, with_content
from agents.kafka_link.sender import BROKER_AWAY, Connection, Sender
from agents.limits import MAX_AGENT_RECEIVED_BYTES
from agents.runner.kafka_way.calls import AgentCall, failed
from agents.runner.kafka_way.receiver import Receiver

KNOCK_SECONDS = 3.0
LISTEN_SECONDS = 15.0
MAX_KNOCKS = 5
MAX_ASSEMBLED = MAX_AGENT_RECEIVED_BYTES * 4
AWAY = "The platform's broker does not answer."
LOST = "The link over the broker was closed."
NOBODY = "No gateway answers over the broker: none serves agents there now, or this agent's credential has ended."
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkIdentity:
    """Who knocks, with what was got at enrolment."""

    agent_id: str
    credential: str = field(repr=False)
    keys: LinkKeys = field(repr=False)


class AgentLink:
    """One link from its knock to its end; a new one is made for each session. Lives on the event loop."""

    def __init__(self, *, connection: Connection, sender: Sender, identity: LinkIdentity) -> None:
        self._sender = sender
        self._identity = identity
        self._loop = asyncio.get_running_loop()
        self._half = secrets.token_urlsafe(16)
        self.name = ""
        self._named = asyncio.Event()
        self._calls: dict[str, tuple[AgentCall, Assembly]] = {}
        self._sent = self._received = 0
        self._sending = asyncio.Lock()
        self.closed = ""
        self._code = grpc.StatusCode.UNAVAILABLE
        self._receiver = Receiver(
            connection=connection,
            topic=commands_topic(identity.agent_id),
            on_record=lambda value, signature: self._call_soon(lambda: self._take(value, signature)),
            on_failed=lambda error: self._call_soon(lambda: self.close(f"{AWAY} {error}".strip())),
        )

    async def open(self) -> None:
        """Knock until somebody answers, and prove who we are. Raises AioRpcError when nobody does."""
        self._receiver.start()
        if not await asyncio.to_thread(self._receiver.listens.wait, LISTEN_SECONDS):
            raise failed(grpc.StatusCode.UNAVAILABLE, self.closed or AWAY)
        for _ in range(MAX_KNOCKS):
            await self._send(Frame(link=self._half, knock=True))
            try:
                async with asyncio.timeout(KNOCK_SECONDS):
                    await self._named.wait()
                break
            except TimeoutError:
                continue
        if not self.name or self.closed:
            raise failed(self._code, self.closed or NOBODY)
        sealed = self._identity.keys.seal(self._identity.credential.encode(), bound_to=self.name)
        await self._send_numbered(Frame(link=self.name, credential=sealed))

    def call(self, *, method: str, response: type[Message]) -> AgentCall:
        """Begin a call; its first message carries the method's name. Raises AioRpcError where the link is closed."""
        if self.closed or not self.name:
            raise failed(self._code, self.closed or LOST)
        name, unsaid, readable = str(uuid4()), [method], method == SESSION

        async def write(message: Message | None) -> None:
            frame = Frame(link=self.name, call=name, method=unsaid.pop() if unsaid else "", end=message is None)
            if message is not None:
                frame = with_content(frame, message, keys=self._identity.keys, readable=readable)
            await self._send_numbered(frame)

        made = AgentCall(method=method, response=response, write=write, forget=lambda: self._forget(name))
        self._calls[name] = (made, Assembly(max_bytes=MAX_ASSEMBLED))
        return made

    def close(self, why: str = LOST, *, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        """End all calls; nothing more is read."""
        if not self.closed:
            self.closed, self._code = why, code
        self._named.set()
        self._receiver.stop()
        for call, _ in list(self._calls.values()):
            call.end(self._code, self.closed)
        self._calls.clear()

    def _forget(self, name: str) -> None:
        self._calls.pop(name, None)

    async def _send_numbered(self, frame: Frame) -> None:
        async with self._sending:
            for part in pieces(frame):
                self._sent += 1
                await self._send(replace(part, number=self._sent), whole=frame)

    async def _send(self, frame: Frame, *, whole: Frame | None = None) -> None:
        if self.closed:
            raise failed(self._code, self.closed)
        agent_id = self._identity.agent_id
        topic, value = events_topic(agent_id), event_envelope(frame, agent_id=agent_id, whole=whole)
        try:
            await self._sender.send(
                topic, value, [(SIGNATURE, self._identity.keys.signature(topic=topic, value=value))]
            )
        except BROKER_AWAY as error:
            # Whether it came is not known, so the numbers no longer hold.
            self.close(f"{AWAY} {error}".strip())
            raise failed(grpc.StatusCode.UNAVAILABLE, self.closed) from error

    def _take(self, value: bytes, signature: bytes) -> None:
        if self.closed:
            return
        try:
            self._identity.keys.check(topic=commands_topic(self._identity.agent_id), value=value, signature=signature)
            self._take_frame(frame_in(value))
        except NotAuthenticError:
            logger.warning("a command over the broker was not made by the control plane: left alone")
        except BadFrameError as error:
            self.close(f"{LOST} ({error})")

    def _take_frame(self, frame: Frame) -> None:
        if frame.nonce and frame.link == self._half and not self.name:
            self.name = f"{self._half}.{frame.nonce}"
            self._named.set()
        if frame.closed and frame.error and frame.link == (self.name or self._half):
            self.close(frame.details or LOST, code=_status(frame.error))
        if self.closed or not self.name or frame.link != self.name:
            return
        if frame.closed:
            self.close()
        elif frame.number > self._received:
            self._take_numbered(frame)

    def _take_numbered(self, frame: Frame) -> None:
        if frame.number != self._received + 1:
            raise BadFrameError("frames are missing")
        self._received = frame.number
        found = self._calls.get(frame.call)
        if found is None:
            return
        call, assembly = found
        whole = assembly.add(frame)
        if whole is None:
            return
        message = content(whole, call.response, keys=self._identity.keys)
        if message is not None:
            call.take(message)
        if whole.end:
            self._forget(frame.call)
            call.end(_status(whole.error), whole.details)

    def _call_soon(self, work: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)


def _status(name: str) -> grpc.StatusCode:
    return grpc.StatusCode.__members__.get(name or "OK", grpc.StatusCode.UNKNOWN)
