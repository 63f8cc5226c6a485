"""Requests as nobody should send them: seeded, so that a failure comes again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deployments.kafka_api.handlers import HEALTH, PATTERNS

FIELDS = (
    "projectId",
    "serverId",
    "clusterId",
    "deploymentId",
    "targetDeploymentId",
    "envVars",
    "forceRedeploy",
    "pagination",
    "statusFilter",
    "metadata",
    "key",
    "value",
    "__proto__",
    "extra",
)
METADATA = ("userId", "user_id", "requestId", "request_id", "timestamp", "sessionToken", "authorization", "projectId")
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\u202e",
    "é" * 50,
    "x" * 5000,
    "null",
    "0",
    "NaN",
    "' OR 1=1",
    "../..",
)
NUMBERS = (0, -1, 1, 2, 10, 100, 2**31, 2**63, -(2**63), 10**30, 10**400, 0.5, 1e308, -0.0, True, False)
BYTES = (
    None,
    b"",
    b"hello",
    b'"text"',
    b"{",
    b"[]",
    b"[1,2]",
    b"null",
    b"\x00\x01\x02",
    b"\xff\xfe{}",
    b'{"a":NaN}',
    b'{"a":1e99999}',
    b'{"a":1,}',
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b"[" * 90_000,
    b'{"n":' + b"9" * 6000 + b"}",
    b"\xef\xbb\xbf{}",
    b'{"metadata":{"userId":"\\ud800"}}',
)


@dataclass(frozen=True)
class Fuzz:
    """One request; without a reply address it is an event."""

    topic: str
    value: bytes | None
    wants_reply: bool


@dataclass
class Generator:
    """`ids` are of real rows, so that a part of the requests comes far."""

    seed: int
    ids: dict[str, UUID]
    users: list[UUID]

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.topics = [*PATTERNS, HEALTH]

    def requests(self, count: int) -> Iterator[Fuzz]:
        for _ in range(count):
            wants_reply = self.random.random() > 0.05
            yield Fuzz(topic=self.random.choice(self.topics), value=self.value(), wants_reply=wants_reply)

    def value(self) -> bytes | None:
        draw = self.random.random()
        if draw < 0.1:
            return self.random.choice(BYTES)
        body = self.good_body() if draw < 0.8 else {}
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            body = self.spoiled(body)
        whole = json.dumps(body).encode()
        return self.cut(whole) if draw > 0.97 else whole

    def good_body(self) -> dict[str, Any]:
        metadata = {"userId": str(self.random.choice(self.users)), "requestId": str(self.random.random())}
        chosen = {name: str(self.ids[name]) for name in self.ids if self.random.random() < 0.8}
        return {"metadata": metadata, **chosen}

    def spoiled(self, body: dict[str, Any]) -> dict[str, Any]:
        changes: tuple[Callable[[dict[str, Any]], None], ...] = (self.retype, self.drop, self.spoil_metadata, self.fill)
        self.random.choice(changes)(body)
        return body

    def retype(self, body: dict[str, Any]) -> None:
        body[self.random.choice(FIELDS)] = self.anything()

    def drop(self, body: dict[str, Any]) -> None:
        if body:
            del body[self.random.choice(sorted(body))]

    def spoil_metadata(self, body: dict[str, Any]) -> None:
        metadata = body.setdefault("metadata", {})
        if isinstance(metadata, dict):
            metadata[self.random.choice(METADATA)] = self.anything()

    def fill(self, body: dict[str, Any]) -> None:
        body["envVars"] = {self.text(): self.anything(depth=3) for _ in range(self.random.choice((1, 3, 30)))}
        body["pagination"] = {"page": self.anything(), "limit": self.anything()}

    def anything(self, depth: int = 0) -> Any:
        draw = self.random.random()
        if draw < 0.35:
            return self.text()
        if draw < 0.7:
            return self.random.choice(NUMBERS)
        if draw < 0.8 or depth > 3:
            return None
        if draw < 0.83:
            return self.deep()
        if draw < 0.9:
            return [self.anything(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.text(): self.anything(depth + 1) for _ in range(self.random.randrange(4))}

    def text(self) -> str:
        return self.random.choice((*TEXTS, str(self.random.choice(self.users)), "A", "B", "userId"))

    def deep(self) -> Any:
        nested: Any = 1
        for _ in range(self.random.choice((50, 200))):
            nested = {"a": nested} if self.random.random() < 0.5 else [nested]
        return nested

    def cut(self, whole: bytes) -> bytes:
        return whole[: self.random.randrange(len(whole) + 1)]
