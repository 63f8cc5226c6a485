"""One agent's link over the broker: frames in order, the calls they belong to, and the way back. On the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import grpc
import structlog
from google.protobuf.message import Message

from agents.cancellation import cancel_until_ended
from agents.contracts.runner_pb2 import ToAgent
from agents.kafka_link.envelopes import SIGNATURE, command_envelope, commands_topic, events_topic
from agents.kafka_link.frames import Assembly, BadFrameError, Frame, pieces
from agents.kafka_link.keys import LinkKeys
from agents.kafka_link.messages import SESSION, content, with_content
from agents.kafka_link.sender import BROKER_AWAY, Sender
from agents.limits import MAX_RECEIVED_BYTES
from agents.services import enrolment
from agents.transport.kafka_way.call import CallAborted, LinkCall
from agents.transport.kafka_way.methods import Methods

logger = structlog.get_logger(__name__)
# The session, secrets and bundles for a few commands, and as many looks at logs as an agent answers.
MAX_CALLS = 32
# JSON and base64 make of a message what they make of it.
MAX_ASSEMBLED = MAX_RECEIVED_BYTES * 4


class Link:
    """From the credential on. Whatever is wrong with a frame closes it; the agent comes back with a new one."""

    def __init__(
        self,
        *,
        agent_id: UUID,
        name: str,
        keys: LinkKeys,
        credential: str,
        sender: Sender,
        methods: Methods,
        on_welcome: Callable[[], None],
    ) -> None:
        self.name = name
        self._agent_id = agent_id
        self._keys = keys
        self._credential = credential
        self._sender = sender
        self._methods = methods
        self._on_welcome = on_welcome
        self._calls: dict[str, tuple[LinkCall, Assembly]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # The credential was the first frame of the link.
        self._received = 1
        self._sent = 0
        self._sending = asyncio.Lock()
        self.closed = False

    @property
    def is_full(self) -> bool:
        """Tell whether the agent's topic is to be read no further for now."""
        return any(call.is_full for call, _ in self._calls.values())

    def check(self, *, value: bytes, signature: bytes) -> None:
        """Raise NotAuthenticError unless the agent made this message."""
        self._keys.check(topic=events_topic(self._agent_id), value=value, signature=signature)

    def take(self, frame: Frame) -> None:
        """Hand a frame to its call. Raises BadFrameError where the link can no longer be trusted to be whole."""
        if frame.number <= self._received:
            return
        if frame.number != self._received + 1:
            raise BadFrameError("frames are missing")
        self._received = frame.number
        if frame.method and frame.call not in self._calls:
            self._open(frame)
        found = self._calls.get(frame.call)
        if found is None:
            # What the agent sent before it heard of the call's end.
            return
        call, assembly = found
        whole = assembly.add(frame)
        if whole is not None:
            call.take(content(whole, self._methods.by_name[call.method].request, keys=self._keys), end=whole.end)

    def _open(self, frame: Frame) -> None:
        if frame.method not in self._methods.by_name or len(self._calls) >= MAX_CALLS:
            raise BadFrameError("no call that can be made here")
        name, readable = frame.call, frame.method == SESSION

        async def write(message: Message) -> None:
            await self.send(with_content(Frame(link=self.name, call=name), message, keys=self._keys, readable=readable))
            # A new version that is only tried is welcomed by no ledger, and takes nobody's place.
            if isinstance(message, ToAgent) and message.welcome.ledger_incarnation:
                self._on_welcome()

        call = LinkCall(method=frame.method, agent_id=str(self._agent_id), credential=self._credential, write=write)
        self._calls[name] = (call, Assembly(max_bytes=MAX_ASSEMBLED))
        self._tasks[name] = asyncio.create_task(self._serve(name, call))

    async def _serve(self, name: str, call: LinkCall) -> None:
        end = Frame(link=self.name, call=name, end=True)
        try:
            await self._methods.by_name[call.method].serve(call)
        except CallAborted as error:
            end = replace(end, error=error.code.name, details=error.details)
        except BROKER_AWAY as error:
            logger.warning("agent not reached over the broker", agent_id=str(self._agent_id), error=str(error))
            self.closed = True
            return
        except Exception:
            logger.exception("call failed", call=call.method, agent_id=str(self._agent_id))
            end = replace(end, error=grpc.StatusCode.INTERNAL.name, details="The call failed.")
        finally:
            self._calls.pop(name, None)
            self._tasks.pop(name, None)
        await self._send_end(end)

    async def _send_end(self, end: Frame) -> None:
        try:
            await self.send(end)
        except BROKER_AWAY:
            self.closed = True

    async def send(self, frame: Frame) -> None:
        """Number, sign and send; returns when the broker has it. Raises what BROKER_AWAY names."""
        topic = commands_topic(self._agent_id)
        async with self._sending:
            for part in pieces(frame):
                self._sent += 1
                value = command_envelope(replace(part, number=self._sent), whole=frame)
                signature = self._keys.signature(topic=topic, value=value)
                await self._sender.send(topic, value, [(SIGNATURE, signature)])

    @property
    def credential_hash(self) -> str:
        return enrolment.hash_of(self._credential)

    async def say_closed(self, *, error: str = "", details: str = "") -> None:
        """Tell the agent that it must begin a new link, or why it cannot. Raises what BROKER_AWAY names."""
        self.closed = True
        await self.send(Frame(link=self.name, closed=True, error=error, details=details))

    async def close(self) -> None:
        """End all calls."""
        self.closed = True
        await cancel_until_ended(tuple(self._tasks.values()))
