"""Moves votes from Redis into PostgreSQL. None is lost when this program, Redis or PostgreSQL stops midway."""

import os
import random
import signal
import threading
from collections.abc import Callable

import psycopg
import queue_of_votes as queue
import tally
from health import Heartbeat
from redis import Redis
from redis.exceptions import RedisError

WAIT_SECONDS = 1
LONGEST_PAUSE = 5.0


class Worker:
    """Holds both connections and opens them anew, after a pause that grows, whenever one of them breaks."""

    def __init__(self, *, redis: "Redis", database_url: str, heartbeat: Heartbeat) -> None:
        self.redis = redis
        self.database_url = database_url
        self.heartbeat = heartbeat
        self.stopping = threading.Event()

    def stop(self, *_: object) -> None:
        self.stopping.set()

    def run(self) -> None:
        """Returns after stop(), within about a second, with no ballot half stored."""
        pause = 0.1
        while not self.stopping.is_set():
            try:
                with tally.connect(self.database_url) as database:
                    print(f"worker: connected, {queue.put_back(self.redis)} unfinished ballots put back", flush=True)
                    self.move_until_stopped(database, on_success=self.heartbeat.beat)
            except (psycopg.Error, RedisError) as error:
                print(f"worker: {type(error).__name__}: {error}", flush=True)
                pause = 0.1 if self.heartbeat.is_fresh() else min(pause * 2, LONGEST_PAUSE)
                self.stopping.wait(pause * random.uniform(0.5, 1.0))

    def move_until_stopped(self, database: psycopg.Connection, *, on_success: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            raws = queue.take(self.redis, wait_seconds=WAIT_SECONDS)
            if raws:
                self.move(database, raws)
            else:
                # An idle worker must notice a database that went away, or its health would be a lie.
                database.execute("SELECT 1")
            on_success()

    def move(self, database: psycopg.Connection, raws: list[bytes]) -> None:
        ballots = []
        for raw in raws:
            try:
                ballots.append(queue.parse(raw))
            except queue.UnreadableBallot as error:
                print(f"worker: put aside a ballot that cannot be read: {error}", flush=True)
                queue.reject(self.redis, raw)
        if ballots:
            tally.store(database, ballots)
            queue.done(self.redis, [ballot.raw for ballot in ballots])


def main() -> None:
    heartbeat = Heartbeat(port=int(os.environ.get("PORT", "8000")))
    worker = Worker(
        redis=queue.connect(os.environ["REDIS_URL"]),
        database_url=os.environ["DATABASE_URL"],
        heartbeat=heartbeat,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    heartbeat.serve()
    worker.run()
    print("worker: stopped", flush=True)


if __name__ == "__main__":
    main()
