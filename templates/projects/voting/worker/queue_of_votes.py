"""The worker's end of the queue: a ballot stays in Redis until it is stored in PostgreSQL."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis

WAITING = "votes"
# Ballots that a worker has taken and not stored yet; a worker that starts puts them back.
TAKEN = "votes:taken"
# What could not be read, for a person to look at; bounded.
REJECTED = "votes:rejected"
KEEP_REJECTED = 1000
BATCH = 200
LONGEST_TEXT = 100


class UnreadableBallot(ValueError):
    """The text in the queue is no ballot."""


@dataclass(frozen=True)
class Ballot:
    """`raw` is the text as it lies in Redis, needed to take it out again."""

    raw: bytes
    voter: str
    choice: str
    cast_at: datetime


def connect(url: str) -> "Redis":
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=10)


def parse(raw: bytes) -> Ballot:
    """Raises UnreadableBallot."""
    try:
        data = json.loads(raw)
        cast_at = datetime.fromtimestamp(float(data["cast_at"]), tz=UTC)
        return Ballot(raw=raw, voter=_text(data["voter"]), choice=_text(data["choice"]), cast_at=cast_at)
    except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
        raise UnreadableBallot(repr(error)) from error


def _text(value: object) -> str:
    """Raises ValueError for what PostgreSQL would refuse: one such ballot would hold up all others for ever."""
    text = str(value)
    if not text or len(text) > LONGEST_TEXT or "\x00" in text:
        raise ValueError("empty, too long or with a zero byte")
    text.encode()
    return text


def put_back(redis: "Redis") -> int:
    """Returns how many ballots of a worker that died are in the queue again; another worker's are stored twice,
    which changes nothing."""
    moved = 0
    while redis.lmove(TAKEN, WAITING, "LEFT", "RIGHT"):
        moved += 1
    return moved


def take(redis: "Redis", *, wait_seconds: int) -> list[bytes]:
    """Up to BATCH ballots, oldest first; waits for the first one only. An empty list after the wait."""
    first = redis.blmove(WAITING, TAKEN, wait_seconds, "RIGHT", "LEFT")
    return [first, *_more(redis)] if first else []


def _more(redis: "Redis") -> Iterator[bytes]:
    for _ in range(BATCH - 1):
        raw = redis.lmove(WAITING, TAKEN, "RIGHT", "LEFT")
        if not raw:
            return
        yield raw


def done(redis: "Redis", raws: list[bytes]) -> None:
    pipeline = redis.pipeline()
    for raw in raws:
        pipeline.lrem(TAKEN, 1, raw)
    pipeline.execute()


def reject(redis: "Redis", raw: bytes) -> None:
    pipeline = redis.pipeline()
    pipeline.lpush(REJECTED, raw)
    pipeline.ltrim(REJECTED, 0, KEEP_REJECTED - 1)
    pipeline.lrem(TAKEN, 1, raw)
    pipeline.execute()
