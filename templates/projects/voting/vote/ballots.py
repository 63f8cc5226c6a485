"""The queue of votes that waits for the worker."""

import json
import time
import uuid
from dataclasses import dataclass

from redis import Redis, exceptions
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

QUEUE = "votes"
CONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class Ballot:
    """One vote of one voter; a later ballot of the same voter replaces an earlier one."""

    voter: str
    choice: str
    cast_at: float

    def to_json(self) -> str:
        return json.dumps({"voter": self.voter, "choice": self.choice, "cast_at": self.cast_at})


def new_ballot(*, voter: str, choice: str) -> Ballot:
    """`voter` is empty for somebody who votes for the first time."""
    return Ballot(voter=voter or uuid.uuid4().hex, choice=choice, cast_at=time.time())


def connect(url: str) -> "Redis":
    """A client that reconnects by itself; a command gives up after about three seconds."""
    return Redis.from_url(
        url,
        socket_timeout=CONNECT_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        # A repeated push is harmless: the worker keeps one vote per voter.
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
        retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError],
        health_check_interval=10,
    )


def put(redis: "Redis", ballot: Ballot) -> None:
    """Returns only when Redis has the ballot; raises redis.RedisError otherwise, and the voter is told."""
    redis.lpush(QUEUE, ballot.to_json())
