"""Real NestJS clients, driven line by line."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.contract.nest import child_environment

ANSWER_SECONDS = 60.0
READY_SECONDS = 120.0


class NestCallers:
    """`count` clients of one NestJS group in one program; each holds reply partitions of its own."""

    def __init__(self, *, broker: str, count: int, patterns: tuple[str, ...], group: str) -> None:
        settings = {
            "CALLER_BROKER": broker,
            "CALLERS": str(count),
            "CALLER_PATTERNS": ",".join(patterns),
            "CALLER_GROUP": group,
        }
        self._program = subprocess.Popen(
            ["node", str(Path(__file__).parent / "client.js")],
            env=child_environment(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._asked = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self.partitions: list[int] = self._said.get(timeout=READY_SECONDS)["ready"]

    def send(self, pattern: str, payload: Any, *, caller: int = 0, emit: bool = False) -> int:
        """Ask without waiting; returns the number that the answer will carry."""
        self._asked += 1
        line = {"id": self._asked, "caller": caller, "pattern": pattern, "payload": payload, "emit": emit}
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(line) + "\n")
        self._program.stdin.flush()
        return self._asked

    def answers(self, count: int) -> dict[int, dict[str, Any]]:
        """The next answers by number, each exactly once."""
        found = [self._said.get(timeout=ANSWER_SECONDS) for _ in range(count)]
        assert len({each["id"] for each in found}) == count
        return {each["id"]: each for each in found}

    def ask(self, pattern: str, payload: Any, **more: Any) -> Any:
        """The one value that the observable gave before it completed."""
        asked = self.send(pattern, payload, **more)
        answer = self.answers(1)[asked]
        assert "error" not in answer, answer
        (value,) = answer["values"]
        return value

    def refused(self, pattern: str, payload: Any, **more: Any) -> Any:
        """The error with which the observable ended, no value before it."""
        asked = self.send(pattern, payload, **more)
        answer = self.answers(1)[asked]
        assert answer["values"] == []
        return answer["error"]

    def close(self) -> None:
        self._program.kill()
        self._program.wait(10)
        for stream in (self._program.stdin, self._program.stdout):
            if stream is not None:
                stream.close()

    def _listen(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            self._said.put(json.loads(line))
