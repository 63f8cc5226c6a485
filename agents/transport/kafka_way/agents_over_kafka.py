"""Agents that reach the platform's broker and not us: their links, each made by a handshake that no replay can make.

1. The agent knocks with half of a link's name. Whoever can write to its topic can do that; it costs us one message.
2. We answer with the other half, new each time.
3. It sends its credential under the whole name, sealed and signed: now it is a link, and its calls are answered.
4. It takes the place of an earlier link only once its session is welcomed: of two machines with one credential, the one
   that is refused does not cut the other off each time it tries.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
import structlog

from agents.kafka_link.envelopes import SIGNATURE, command_envelope, commands_topic, events_topic, frame_in
from agents.kafka_link.frames import BadFrameError, Frame
from agents.kafka_link.keys import LinkKeys, NotAuthenticError
from agents.kafka_link.sender import BROKER_AWAY, Connection, Sender
from agents.services import enrolment
from agents.token_bucket import TokenBuckets
from agents.transport.agent_session import REPLACED
from agents.transport.kafka_way.link import Link
from agents.transport.kafka_way.listener import NAME, Listener
from agents.transport.kafka_way.methods import Methods
from agents.transport.threads import DatabaseThreads

logger = structlog.get_logger(__name__)
# Frames that belong to no link: each asks the database for the agent's key, and most of them answer.
STRANGE, STRANGE_PER_SECOND = 20, 1.0
MAX_QUEUED = 20_000
NONCE_BYTES = 16
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED.name


@dataclass(slots=True)
class _Knocked:
    """What a link will be called once the agent proves that it heard us."""

    name: str
    keys: LinkKeys


class AgentsOverKafka:
    """Part of one gateway process; lives on its event loop."""

    def __init__(self, *, connection: Connection, group: str, methods: Methods, threads: DatabaseThreads) -> None:
        self._methods = methods
        self._threads = threads
        self._sender = Sender(connection=connection, name=f"{NAME}-out")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._links: dict[UUID, Link] = {}
        # Opened beside a link that there is already, and not welcomed yet.
        self._newer: dict[UUID, Link] = {}
        self._knocked: dict[UUID, _Knocked] = {}
        self._strange = TokenBuckets(burst=STRANGE, per_second=STRANGE_PER_SECOND)
        self._queue: asyncio.Queue[tuple[UUID, bytes, bytes]] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._listener = Listener(
            connection=connection, group=group, on_record=self._heard, on_lost=self._lost, is_full=self._is_full
        )

    def start(self) -> None:
        """Begin to listen. Call it inside the running loop."""
        self._loop = asyncio.get_running_loop()
        self._reading = asyncio.create_task(self._read())
        self._listener.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self._listener.stop)
        if self._reading is not None:
            self._reading.cancel()
        await asyncio.gather(*(link.close() for link in (*self._links.values(), *self._newer.values())))
        await asyncio.to_thread(self._sender.close)

    def let_go(self, agent_id: UUID) -> None:
        """End the links of an agent whose credential has ended, and tell it."""
        for link in self._of(agent_id):
            _aside(self._end_unless_newer(agent_id, link))

    async def _end_unless_newer(self, agent_id: UUID, link: Link) -> None:
        found = await self._threads.run(enrolment.credential_hash_of, agent_id=agent_id)
        if found == link.credential_hash or link not in self._of(agent_id):
            return
        ended = await self._threads.run(enrolment.ended_credential_of, agent_id=agent_id)
        self._close(agent_id, link)
        await link.say_closed(error=UNAUTHENTICATED, details=refusal_of(ended[1] if ended else ""))

    # The listener's thread

    def _heard(self, agent_id: UUID, value: bytes, signature: bytes) -> None:
        self._on_loop(lambda: self._queue.put_nowait((agent_id, value, signature)))

    def _lost(self, agents: frozenset[UUID]) -> None:
        self._on_loop(lambda: self._forget(agents))

    def _is_full(self, agent_id: UUID) -> bool:
        return self._queue.qsize() > MAX_QUEUED or any(link.is_full for link in self._of(agent_id))

    def _on_loop(self, work: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    # The loop

    def _forget(self, agents: frozenset[UUID]) -> None:
        for agent_id in agents:
            for link in self._of(agent_id):
                self._close(agent_id, link)

    def _of(self, agent_id: UUID) -> tuple[Link, ...]:
        """Return the agent's links: the one that speaks for it, and one that may take its place."""
        return tuple(kept[agent_id] for kept in (self._links, self._newer) if agent_id in kept)

    def _close(self, agent_id: UUID, link: Link) -> None:
        for kept in (self._links, self._newer):
            if kept.get(agent_id) is link:
                del kept[agent_id]
        _aside(link.close())

    async def _read(self) -> None:
        while True:
            agent_id, value, signature = await self._queue.get()
            try:
                await self._take(agent_id, value, signature)
            except (BadFrameError, NotAuthenticError) as error:
                logger.warning("frame of an agent not taken", agent_id=str(agent_id), error=repr(error))
            except BROKER_AWAY as error:
                logger.warning("agent not reached over the broker", agent_id=str(agent_id), error=str(error))
            except Exception:
                logger.exception("frame of an agent not taken", agent_id=str(agent_id))

    async def _take(self, agent_id: UUID, value: bytes, signature: bytes) -> None:
        frame = frame_in(value)
        link = next((each for each in self._of(agent_id) if frame.link == each.name and not each.closed), None)
        if link is not None:
            link.check(value=value, signature=signature)
            try:
                link.take(frame)
            except BadFrameError as error:
                self._close(agent_id, link)
                logger.info("link over the broker closed", agent_id=str(agent_id), why=str(error))
                await link.say_closed()
            return
        if not self._strange.take(agent_id):
            await self._take_strange(agent_id, frame, value, signature)

    async def _take_strange(self, agent_id: UUID, frame: Frame, value: bytes, signature: bytes) -> None:
        """Serve what belongs to no link of ours: a knock, the answer to our nonce, or a link that we do not know."""
        found = await self._threads.run(enrolment.credential_hash_of, agent_id=agent_id)
        if found is None:
            await self._refuse_ended(agent_id, frame, value, signature)
            return
        keys = LinkKeys.of(credential_hash=found)
        keys.check(topic=events_topic(agent_id), value=value, signature=signature)
        knocked = self._knocked.get(agent_id)
        if frame.knock:
            nonce = secrets.token_urlsafe(NONCE_BYTES)
            self._knocked[agent_id] = _Knocked(name=f"{frame.link}.{nonce}", keys=keys)
            await self._answer(agent_id, keys, Frame(link=frame.link, nonce=nonce))
        elif knocked is not None and frame.link == knocked.name and frame.credential:
            self._open(agent_id, self._knocked.pop(agent_id), frame)
        else:
            await self._answer(agent_id, keys, Frame(link=frame.link, closed=True))

    async def _refuse_ended(self, agent_id: UUID, frame: Frame, value: bytes, signature: bytes) -> None:
        """Tell an agent whose credential has ended that it did, and why; whoever else writes hears nothing."""
        ended = await self._threads.run(enrolment.ended_credential_of, agent_id=agent_id)
        if ended is None:
            return
        credential_hash, why = ended
        keys = LinkKeys.of(credential_hash=credential_hash)
        keys.check(topic=events_topic(agent_id), value=value, signature=signature)
        refused = Frame(link=frame.link, closed=True, error=UNAUTHENTICATED, details=refusal_of(why))
        await self._answer(agent_id, keys, refused)

    def _open(self, agent_id: UUID, knocked: _Knocked, frame: Frame) -> None:
        credential = knocked.keys.open(frame.credential, bound_to=knocked.name).decode()
        link = Link(
            agent_id=agent_id,
            name=knocked.name,
            keys=knocked.keys,
            credential=credential,
            sender=self._sender,
            methods=self._methods,
            on_welcome=lambda: self._take_place(agent_id, link),
        )
        if waiting := self._newer.get(agent_id):
            self._close(agent_id, waiting)
        present = self._links.get(agent_id)
        if present is not None and not present.closed:
            self._newer[agent_id] = link
        else:
            self._links[agent_id] = link

    def _take_place(self, agent_id: UUID, link: Link) -> None:
        """Let the link speak for the agent: its session was welcomed. The one before it is told that, and closed."""
        if self._newer.get(agent_id) is not link:
            return
        del self._newer[agent_id]
        former, self._links[agent_id] = self._links.get(agent_id), link
        if former is not None:
            _aside(_replace(former))

    async def _answer(self, agent_id: UUID, keys: LinkKeys, frame: Frame) -> None:
        topic, value = commands_topic(agent_id), command_envelope(frame)
        await self._sender.send(topic, value, [(SIGNATURE, keys.signature(topic=topic, value=value))])


async def _replace(link: Link) -> None:
    await link.close()
    await link.say_closed(error=REPLACED.code.name, details=REPLACED.sentence)


def _aside(work: Coroutine[Any, Any, None]) -> None:
    """Do it beside everything else; whoever is not reached comes back by himself."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


def refusal_of(why: str) -> str:
    """Return what whoever has an ended credential is told, as over gRPC."""
    return f"Not authenticated. {why}".rstrip()
