"""The sample application as plain processes, on a PostgreSQL and a Redis of its own that a test may kill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.postgres import EmbeddedPostgres
from axion_deploy.embedded.redis import EmbeddedRedis

SAMPLE = Path(__file__).parents[2] / "templates" / "projects" / "voting"
NPM_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: Message

    def json(self) -> Any:
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """Leaves the 303 to the test."""


def ask(url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Any status is an answer; raises OSError when there is none."""
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}))
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=15) as response:
            return Answer(response.status, response.read().decode(), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(), error.headers)


def eventually(check: Callable[[], bool], *, seconds: float = 15.0, what: str) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if check():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what}")


def install_result(folder: Path) -> Path:
    """A copy of the result service with its packages from the lock file."""
    target = folder / "result"
    shutil.copytree(SAMPLE / "result", target, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=target, check=True, timeout=NPM_SECONDS, capture_output=True
    )
    return target


class Voting:
    """The three services with their two servers."""

    def __init__(self, *, folder: Path, result_folder: Path, postgres: EmbeddedPostgres, redis: EmbeddedRedis) -> None:
        self.postgres = postgres
        self.redis = redis
        ports = [free_port() for _ in range(3)]
        self.vote_url, self.worker_url, self.result_url = (f"http://127.0.0.1:{port}" for port in ports)
        common = {**os.environ, "DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "PYTHONDONTWRITEBYTECODE": "1"}
        self.vote, self.worker, self.result = (
            Child(
                name=name, command=command, cwd=cwd, env={**common, "PORT": str(port)}, log_file=folder / f"{name}.log"
            )
            for port, (name, command, cwd) in zip(
                ports,
                [
                    ("vote", [sys.executable, "main.py"], SAMPLE / "vote"),
                    ("worker", [sys.executable, "main.py"], SAMPLE / "worker"),
                    ("result", ["node", "server.js"], result_folder),
                ],
                strict=True,
            )
        )

    @property
    def services(self) -> dict[str, Child]:
        return {self.vote_url: self.vote, self.worker_url: self.worker, self.result_url: self.result}

    def start(self) -> None:
        """Starts what does not run, and returns when all are well."""
        for server in (self.postgres, self.redis):
            if not server.is_running():
                server.start()
        for child in self.services.values():
            if not child.is_running():
                child.start()
        for url, child in self.services.items():
            eventually(partial(self.is_healthy, url), what=f"{child.name} healthy\n{child.tail()}")

    def forget_votes(self) -> None:
        with Redis.from_url(self.redis.url) as client:
            client.flushall()
        with psycopg.connect(self.postgres.url) as connection:
            connection.execute("TRUNCATE votes")

    def stop(self) -> None:
        for child in self.services.values():
            child.stop(grace=8)

    def is_healthy(self, url: str) -> bool:
        return self.health(url) == 200

    def health(self, url: str) -> int:
        return ask(f"{url}/health").status

    def cast(self, choice: str, *, cookie: str = "") -> Answer:
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        return ask(f"{self.vote_url}/cast", data=json.dumps({"choice": choice}).encode(), headers=headers)

    def counts(self) -> dict[str, int]:
        answer = ask(f"{self.result_url}/api/results")
        if answer.status != 200:
            raise OSError(answer.body)
        return {choice["key"]: choice["votes"] for choice in answer.json()["choices"]}
