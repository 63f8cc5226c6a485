"""A thousand hosts on one gateway process: what they cost, and how long a change takes to its row.

The agents are simulated: one program speaks for all of them, by the runner's own code of a session (`Telling`).
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import psycopg

from agents.contracts import runner_pb2 as pb
from agents.contracts import runner_pb2_grpc
from agents.contracts.version import PROTOCOL
from agents.runner.observation.telling import Telling
from tests.bench import asking
from tests.bench.figures import Figure, percentile
from tests.bench.resting import COLUMNS, LINE, PROCESSES, log_statements, ports_of, processor
from tests.e2e.control_plane import ControlPlane

HOSTS = 1000
CONTAINERS = 20
# Of a hundred hosts one changes every second.
SHARE = 100
WINDOW_SECONDS = 30.0
REST_SECONDS = 30.0
# The first looks of all are stored, and the loops have calmed down.
SETTLE_SECONDS = 60.0
HEARTBEAT_SECONDS = 5.0
LOOK_SECONDS = 0.05
# Copies of one row with other values: by table those of the copies, made of `made`'s columns.
COPY = """
INSERT INTO {table} ({columns}) SELECT {columns} FROM (
    SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(row) || jsonb_build_object({changes}))).*
    FROM {table} AS row, unnest(%(servers)s::uuid[], %(agents)s::uuid[], %(hashes)s::text[], %(projects)s::uuid[],
        %(deployments)s::uuid[]) AS made(server, agent, hash, project, deployment)
    WHERE row.{key} = %({key})s) AS copies
"""
COPIES = {
    "servers": ("id", "'id', made.server, 'name', made.server"),
    "agents": (
        "server_id",
        "'id', made.agent, 'server_id', made.server, 'credential_hash', made.hash, 'certified', false,"
        " 'session_id', null, 'last_seen_at', null, 'missing_images', '[]'::jsonb",
    ),
    "projects": ("id", "'id', made.project, 'slug', 'host-' || made.project, 'name', made.project"),
    "deployments": (
        "id",
        "'id', made.deployment, 'project_id', made.project, 'server_id', made.server,"
        " 'service_statuses', %(services)s::jsonb",
    ),
    "deployment_history": (
        "deployment_id",
        "'id', gen_random_uuid(), 'deployment_id', made.deployment, 'project_id', made.project,"
        " 'target_id', made.server",
    ),
}


@dataclass
class Host:
    """One agent's side of a session, and when it last told of a change."""

    agent: UUID
    server: UUID
    project: UUID
    credential: str
    services: Sequence[Mapping[str, Any]]
    telling: Telling = field(default_factory=Telling)
    call: Any = None
    told_at: float = 0.0
    seen: dict[str, pb.ContainerSeen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in range(CONTAINERS):
            key = sha256(f"{self.agent}{number}".encode()).hexdigest()
            service = self.services[number % len(self.services)]
            self.seen[key] = pb.ContainerSeen(
                id=key,
                name=f"host-{service['name']}-{number + 1}",
                stack_name="host",
                project_id=str(self.project),
                service_name=service["name"],
                image_id=service["image_digest"],
                state="running",
                health="healthy",
                restarts_itself=True,
                settings=dict.fromkeys(("env", "command", "mounts", "networks", "ports", "limits"), key[:32]),
            )

    async def connect(self, stub: Any) -> None:
        self.call = stub.Session(metadata=(("authorization", f"Bearer {self.credential}"),))
        hello = pb.Hello(
            agent_id=str(self.agent),
            version="2",
            protocol=PROTOCOL,
            instance_id=str(uuid4()),
            clock_ms=time.time_ns() // 1_000_000,
        )
        await self.call.write(pb.FromAgent(hello=hello))
        await self.call.read()
        await self.tell()

    async def tell(self) -> None:
        for observation in self.telling.news(self.seen, at_ms=time.time_ns() // 1_000_000):
            await self.call.write(pb.FromAgent(observation=observation))

    async def beat(self) -> None:
        """Say that it lives until cancelled, from a random moment on, and take what the gateway says."""
        await asyncio.sleep(random.uniform(0, HEARTBEAT_SECONDS))
        beat = pb.HeartbeatRequest(agent_id=str(self.agent), health=pb.AgentHealth(connected=True))
        while True:
            await self.call.write(pb.FromAgent(heartbeat=beat))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def listen(self) -> None:
        while isinstance(message := await self.call.read(), pb.ToAgent):
            if message.HasField("observe_again"):
                self.telling.start_again()
                await self.tell()

    async def change(self) -> None:
        key = next(iter(self.seen))
        before = self.seen[key]
        changed = pb.ContainerSeen()
        changed.CopyFrom(before)
        changed.state = "exited" if before.state == "running" else "running"
        self.seen[key], self.told_at = changed, time.time()
        await self.tell()


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on many hosts. Their stacks are copies of what was deployed last, or is deployed for this."""
    deployment = asking.last_deployment(plane) or asking.deployed(plane, folder)
    hosts = enrolled(plane, deployment=deployment, number=HOSTS)
    return asyncio.run(run(plane, hosts))


def enrolled(plane: ControlPlane, *, deployment: str, number: int) -> list[Host]:
    """Store so many servers, each with an agent and one stack of its own."""
    of_deployment = "SELECT project_id, server_id, service_statuses FROM deployments WHERE id = %s"
    ((project, server, services),) = plane.sql(of_deployment, deployment)
    services = [{**each, "replicas": CONTAINERS // len(services)} for each in services]
    hosts = [
        Host(agent=uuid4(), server=uuid4(), project=uuid4(), credential=f"host-{uuid4()}", services=services)
        for _ in range(number)
    ]
    values = {
        "servers": [host.server for host in hosts],
        "agents": [host.agent for host in hosts],
        "hashes": [sha256(host.credential.encode()).hexdigest() for host in hosts],
        "projects": [host.project for host in hosts],
        "deployments": [uuid4() for _ in hosts],
        "services": json.dumps(services),
    }
    of = {"servers": server, "agents": server, "projects": project, "deployments": deployment}
    with psycopg.connect(plane.postgres.url) as database:
        # Copies need no checks, and no counters.
        database.execute("SET session_replication_role = replica")
        for table, (key, changes) in COPIES.items():
            (columns,) = database.execute(COLUMNS, [table]).fetchone() or ("",)
            statement = COPY.format(table=table, columns=columns, changes=changes, key=key)
            database.execute(statement.encode(), {**values, key: of.get(table, deployment)})
    return hosts


async def run(plane: ControlPlane, hosts: Sequence[Host]) -> list[Figure]:
    # Each with a connection of its own, which carries so many sessions and no more.
    alone = [("grpc.use_local_subchannel_pool", 1)]
    address = f"127.0.0.1:{plane.addresses.gateway}"
    channels = [grpc.aio.insecure_channel(address, options=alone) for _ in range(20)]
    stubs: list[Any] = [runner_pb2_grpc.RunnerAgentServiceStub(each) for each in channels]  # type: ignore[no-untyped-call]
    for start in range(0, len(hosts), 50):
        await asyncio.gather(*(h.connect(stubs[at % len(stubs)]) for at, h in enumerate(hosts[start : start + 50])))
    tasks = [asyncio.create_task(work) for host in hosts for work in (host.beat(), host.listen())]
    try:
        await all_stored(plane, len(hosts))
        await asyncio.sleep(SETTLE_SECONDS)
        calm = await asyncio.to_thread(statements, plane)
        used = processor(plane, "gateway")
        began = time.monotonic()
        waits = await changing(plane, hosts)
        share = (processor(plane, "gateway") - used) / (time.monotonic() - began)
    finally:
        for task in tasks:
            task.cancel()
        for channel in channels:
            await channel.close(grace=None)
    name = f"{len(hosts)} simulated hosts of {CONTAINERS} containers"
    return [
        Figure(name=f"{name}, 1/{SHARE} changing a second: gateway", value=share, unit="cores", goal=1.0),
        Figure(name=f"{name}: change to its row, p95", value=percentile(waits, 0.95), unit="s", goal=1.5),
        Figure(name=f"{name}, nothing changes: statements of all", value=calm, unit="1/s", goal=20.0),
    ]


async def all_stored(plane: ControlPlane, number: int) -> None:
    """Wait until the first look of every host is stored."""
    deadline = time.monotonic() + 180
    while True:
        ((stored,),) = await asyncio.to_thread(plane.sql, "SELECT count(*) FROM observed_stacks")
        if stored >= number:
            return
        assert time.monotonic() < deadline, f"{stored} of {number} hosts were stored"
        await asyncio.sleep(1.0)


def statements(plane: ControlPlane) -> float:
    """Statements a second of all processes while nothing changes."""
    log = plane.folder / "postgres" / "postgres.log"
    log_statements(plane, on=True)
    start, ports = log.stat().st_size, set[int]()
    began = time.monotonic()
    while time.monotonic() - began < REST_SECONDS:
        for name in PROCESSES:
            ports |= set(ports_of(plane, name))
        time.sleep(0.5)
    took = time.monotonic() - began
    with log.open("rb") as lines:
        lines.seek(start)
        written = lines.read().decode(errors="replace").splitlines()
    log_statements(plane, on=False)
    found = [matched for line in written if (matched := LINE.match(line))]
    return sum(int(matched[1]) in ports for matched in found) / took


async def changing(plane: ControlPlane, hosts: Sequence[Host]) -> list[float]:
    """Change one host in a hundred every second, in no order; the seconds until each change was in its row."""
    order = random.sample(list(hosts), k=min(len(hosts), int(WINDOW_SECONDS * len(hosts) / SHARE)))
    by_server = {host.server: host for host in order}
    waits: dict[UUID, float] = {}
    over = asyncio.Event()

    def look() -> None:
        with psycopg.connect(plane.postgres.url, autocommit=True) as database:
            while not over.is_set():
                for (server,) in database.execute("SELECT server_id FROM observed_stacks WHERE number > 1").fetchall():
                    host = by_server.get(server)
                    if host is not None and host.told_at and server not in waits:
                        waits[server] = time.time() - host.told_at
                time.sleep(LOOK_SECONDS)

    looking = asyncio.create_task(asyncio.to_thread(look))
    for host in order:
        await host.change()
        await asyncio.sleep(WINDOW_SECONDS / len(order))
    deadline = time.monotonic() + 60
    while len(waits) < len(order) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    over.set()
    await looking
    assert len(waits) == len(order), f"{len(waits)} of {len(order)} changes were stored"
    return list(waits.values())
