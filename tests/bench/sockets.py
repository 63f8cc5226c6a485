"""Open sockets, all of them of one web process: how long an event takes to each, and what they cost.

The events are simulated: stored and announced as the gateway does, by SQL.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import websockets
from websockets.asyncio.client import ClientConnection

from tests.bench import asking, resting
from tests.bench.figures import Figure, percentile
from tests.bench.resting import LINE, log_statements, ports_of, processor
from tests.e2e.control_plane import ControlPlane, wait_for

SOCKETS = 200
EVENTS = 12
PAUSE_SECONDS = 1.5
PROJECTS = 20
# After this every socket has looked once by itself, and the look that follows its opening is no part of rest.
SETTLE_SECONDS = 14.0
REST_SECONDS = 20.0
STORE = """
WITH moved AS (
    UPDATE deployments SET last_sequence = last_sequence + 1 WHERE id = %s RETURNING id, project_id, last_sequence
)
INSERT INTO deployment_events (id, deployment_id, project_id, sequence, type, payload, created_at)
SELECT %s, id, project_id, last_sequence, 'deployment.stage_reached',
       '{"stage": "building", "percent": 1, "message": "simulated"}', now() FROM moved
RETURNING sequence, pg_notify('deployment_events', '')::text
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Sockets of these addresses, and the deployments of which an event comes at a time."""

    name: str
    addresses: Sequence[str]
    deployments: Sequence[str]
    goal_ms: float
    goal_processor_ms: float = 0.0


@dataclass
class Heard:
    """When each socket heard of each event, by the deployment's id and the event's sequence."""

    at: dict[tuple[str, int], list[float]]

    async def listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            if message["kind"] == "event":
                key = (message["event"]["deploymentId"], message["sequence"])
                self.at.setdefault(key, []).append(time.perf_counter())


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on sockets. They follow what was deployed last, or what is deployed for this, and copies."""
    deployment = asking.last_deployment(plane) or asking.deployed(plane, folder)
    ((project,),) = plane.sql("SELECT project_id FROM deployments WHERE id = %s", deployment)
    resting.fill(plane, deployment=deployment, number=PROJECTS)
    copies = plane.sql(
        "SELECT project_id, deployments.id FROM deployments JOIN projects ON projects.id = project_id"
        " WHERE slug LIKE 'at-rest-%%' LIMIT %s",
        PROJECTS,
    )
    plane.environment["AXION_SOCKETS_PER_USER"] = str(2 * SOCKETS)
    plane.kill("web")
    plane.restart("web")
    wait_for(plane.web_answers, seconds=60, what="the web process")
    cases = [
        Case(
            name=f"event to {SOCKETS} sockets on one project",
            addresses=[f"projects/{project}"] * SOCKETS,
            deployments=[deployment],
            goal_ms=200,
            goal_processor_ms=60,
        ),
        Case(
            name=f"event to {SOCKETS} sockets on one deployment",
            addresses=[f"deployments/{deployment}"] * SOCKETS,
            deployments=[deployment],
            goal_ms=150,
        ),
        Case(
            name=f"event to {PROJECTS} projects with {SOCKETS // PROJECTS} sockets each",
            addresses=[f"projects/{each}" for each, _ in copies] * (SOCKETS // PROJECTS),
            deployments=[str(each) for _, each in copies],
            goal_ms=200,
        ),
    ]
    return [figure for case in cases for figure in asyncio.run(run(plane, case))]


async def run(plane: ControlPlane, case: Case) -> list[Figure]:
    """Open the sockets, let events come, and watch what they cost; rest is measured where the processor is."""
    heard = Heard(at={})
    opened = [await connect(plane, address) for address in case.addresses]
    listening = [asyncio.create_task(heard.listen(socket)) for socket in opened]
    await asyncio.sleep(SETTLE_SECONDS)
    rest = await asyncio.to_thread(at_rest, plane) if case.goal_processor_ms else None
    used, waits = processor(plane, "web"), []
    for number in range(EVENTS):
        deployment = case.deployments[number % len(case.deployments)]
        waits += await one_event(plane, heard, deployment, sockets=len(opened) // len(case.deployments))
        await asyncio.sleep(PAUSE_SECONDS)
    each = (processor(plane, "web") - used) / EVENTS * 1000
    for task, socket in zip(listening, opened, strict=True):
        task.cancel()
        await socket.close()
    figures = [Figure(name=f"{case.name}, p95", value=percentile(waits, 0.95), unit="ms", goal=case.goal_ms)]
    if case.goal_processor_ms and rest is not None:
        name = f"{case.name}: web processor"
        figures.append(Figure(name=name, value=each, unit="ms", goal=case.goal_processor_ms))
        figures.append(Figure(name=f"{SOCKETS} sockets at rest: statements", value=rest, unit="1/s", goal=5.0))
    return figures


async def connect(plane: ControlPlane, address: str) -> ClientConnection:
    url = f"{plane.addresses.url.replace('http', 'ws')}/ws/{address}/"
    headers = {"Authorization": f"Token {plane.bootstrap['api_token']}"}
    return await websockets.connect(url, additional_headers=headers, proxy=None, max_queue=None)


async def one_event(plane: ControlPlane, heard: Heard, deployment: str, *, sockets: int) -> list[float]:
    """Store an event; the milliseconds until each socket has heard of it."""
    ((sequence, _),) = await asyncio.to_thread(plane.sql, STORE, deployment, uuid4())
    stored, key = time.perf_counter(), (deployment, sequence)
    deadline = time.monotonic() + 30
    while len(heard.at.get(key, ())) < sockets:
        assert time.monotonic() < deadline, f"{len(heard.at.get(key, ()))} of {sockets} sockets heard of the event"
        await asyncio.sleep(0.01)
    return [(moment - stored) * 1000 for moment in heard.at[key]]


def at_rest(plane: ControlPlane) -> float:
    """Statements a second of the web process while nothing happens."""
    log = plane.folder / "postgres" / "postgres.log"
    log_statements(plane, on=True)
    start, ports = log.stat().st_size, set[int]()
    deadline = time.monotonic() + REST_SECONDS
    while time.monotonic() < deadline:
        ports |= set(ports_of(plane, "web"))
        time.sleep(0.5)
    with log.open("rb") as lines:
        lines.seek(start)
        written = lines.read().decode(errors="replace").splitlines()
    log_statements(plane, on=False)
    found = [matched for line in written if (matched := LINE.match(line))]
    return sum(int(matched[1]) in ports for matched in found) / REST_SECONDS
