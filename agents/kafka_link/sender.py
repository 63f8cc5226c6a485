"""Sends to the broker from an event loop: a message is out when all in-sync copies have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from agents.kafka_link.frames import MAX_ENVELOPE_BYTES

ANSWER_MS = 5_000
DELIVERY_MS = 15_000
CLOSE_SECONDS = 1.0
# What a broker that is away, or half away, raises.
BROKER_AWAY = (KafkaError, OSError)
Connection = Callable[[str], Mapping[str, Any]]


class Sender:
    """One producer, made when it is first needed and again after a failure. Messages of one topic keep their order.

    `connection` gives what every client of the broker takes, for a client's name; it may raise what BROKER_AWAY names.
    """

    def __init__(self, *, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._producer: KafkaProducer | None = None
        # One thread: whoever comes first is sent first, and a broker that is away holds nobody else up.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def send(self, topic: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        """Return when the broker has it. Raises what BROKER_AWAY names; it may be out all the same."""
        loop = asyncio.get_running_loop()
        sent = await loop.run_in_executor(self._thread, self._begin, topic, value, headers)
        done: asyncio.Future[None] = loop.create_future()
        sent.add_both(lambda result: loop.call_soon_threadsafe(_settle, done, result))
        try:
            await done
        except BROKER_AWAY:
            # Numbers that the broker counts by may be lost with a message: the next ones begin anew.
            await loop.run_in_executor(self._thread, self._drop)
            raise

    def close(self) -> None:
        """Give up what was not acknowledged. Blocks for at most a second or two."""
        self._thread.submit(self._drop).result(timeout=ANSWER_MS / 1000)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self, topic: str, value: bytes, headers: list[tuple[str, bytes]]) -> Any:
        try:
            if self._producer is None:
                self._producer = self._made()
            return self._producer.send(topic, value=value, headers=headers)
        except BROKER_AWAY:
            self._drop()
            raise

    def _made(self) -> KafkaProducer:
        return KafkaProducer(
            **self._connection(self._name),
            max_request_size=MAX_ENVELOPE_BYTES * 2,
            delivery_timeout_ms=DELIVERY_MS,
            max_block_ms=ANSWER_MS,
        )

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close(timeout=CLOSE_SECONDS)
            except KafkaError:
                # It only tells that something was given up.
                return


def _settle(done: asyncio.Future[None], result: Any) -> None:
    if done.done():
        return
    if isinstance(result, BaseException):
        done.set_exception(result)
    else:
        done.set_result(None)
