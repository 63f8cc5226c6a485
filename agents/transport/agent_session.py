"""One connected agent: what waits to be written to it, and whether its stream is to end."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

import grpc

from agents.contracts import runner_pb2
from agents.hello import Hello
from agents.limits import MAX_QUEUED_BYTES
from agents.types import AgentData

# Commands and acknowledgements waiting for the stream; a session with less than half of it free gets no new commands.
MAX_OUTGOING = 256
# Messages that wait for the database; beyond it the stream is read no further.
MAX_INCOMING = 256
MAX_KNOWN_COMMANDS = 1024


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the gateway ends a stream."""

    code: grpc.StatusCode
    sentence: str


REPLACED = Ending(grpc.StatusCode.ABORTED, "A newer session of this agent took over.")
OVER = Ending(grpc.StatusCode.ABORTED, "This session no longer speaks for the agent.")
STOPPING = Ending(grpc.StatusCode.UNAVAILABLE, "The gateway is stopping.")
OVERFLOW = Ending(grpc.StatusCode.RESOURCE_EXHAUSTED, "The agent does not read what it is sent.")


class AgentSession:
    """Lives on the event loop; owns no task."""

    def __init__(self, *, session_id: UUID, agent: AgentData, serial: str = "") -> None:
        self.session_id = session_id
        self.agent_id = agent.id
        # Of the certificate that it was opened with; empty over a way without one.
        self.serial = serial
        self.hello = Hello()
        self.outgoing: asyncio.Queue[runner_pb2.ToAgent] = asyncio.Queue(MAX_OUTGOING)
        self.incoming: asyncio.Queue[runner_pb2.FromAgent] = asyncio.Queue(MAX_INCOMING)
        self.ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.retention_number: int | None = None
        self._command_bytes = 0
        self._known: OrderedDict[tuple[UUID, UUID], None] = OrderedDict()

    @property
    def has_room(self) -> bool:
        room = self.outgoing.qsize() < MAX_OUTGOING // 2 and self._command_bytes < MAX_QUEUED_BYTES
        return room and not self.ending.done()

    @property
    def waits_for_us(self) -> bool:
        """Tell whether the stream is not read because our own database work is behind; the agent is not silent then."""
        return self.incoming.full()

    def offer(self, message: runner_pb2.ToAgent) -> None:
        """Queue a message; a full queue ends the session, and the agent gets everything when it comes back."""
        try:
            self.outgoing.put_nowait(message)
            self._command_bytes += _command_bytes(message)
        except asyncio.QueueFull:
            self.end(OVERFLOW)

    async def next_message(self) -> runner_pb2.ToAgent:
        """Wait for what is to be written next."""
        message = await self.outgoing.get()
        self._command_bytes -= _command_bytes(message)
        return message

    def end(self, ending: Ending) -> None:
        """Ask the stream's handler to finish; the first reason stays."""
        if not self.ending.done():
            self.ending.set_result(ending)

    def knows(self, *, command_id: UUID, deployment_id: UUID) -> bool:
        """Tell whether this pair was proven to be the agent's own in this session."""
        return (command_id, deployment_id) in self._known

    def learn(self, *, command_id: UUID, deployment_id: UUID) -> None:
        self._known[command_id, deployment_id] = None
        if len(self._known) > MAX_KNOWN_COMMANDS:
            self._known.popitem(last=False)


def _command_bytes(message: runner_pb2.ToAgent) -> int:
    """Return the message's bytes where it is a command: only these can be large."""
    return message.ByteSize() if message.HasField("command") else 0
