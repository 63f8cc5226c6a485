"""A thousand agents on one gateway process: heartbeats against a bare server, who is back when, commands to all.

The agents are the runner's own sessions with no host behind them (`sessions.py`); servers and orders are stored by SQL.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import psycopg

from axion_deploy.demo.options import REPOSITORY
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import free_port
from tests.bench import asking
from tests.bench.figures import Figure
from tests.bench.many_hosts import COPIES, COPY
from tests.bench.resting import COLUMNS, LINE, log_statements, ports_of, processor
from tests.bench.sessions import HostlessAgents
from tests.e2e.control_plane import ControlPlane, wait_for

AGENTS = 1000
PAIRS, PAIR_SECONDS = 5, 10.0
# After which the gateway's own loops count as calm.
SETTLE_SECONDS = 70.0
CONNECT_SECONDS = 120.0
# What names the statement of liveness in the server's log.
LIVENESS = "agent_gateways"
# A command of the deployment's own agent, once for each of these.
ORDER = """
INSERT INTO agent_commands ({columns}) SELECT {columns} FROM (
    SELECT (jsonb_populate_record(NULL::agent_commands, to_jsonb(row) || jsonb_build_object(
        'id', gen_random_uuid(), 'agent_id', made.agent, 'lane', 'bench:' || made.agent, 'number', 1,
        'status', 'queued', 'attempts', 0, 'queued_at', now(), 'next_send_at', now(), 'sent_at', null,
        'acknowledged_at', null, 'finished_at', null, 'last_report_number', 0))).*
    FROM agent_commands AS row, unnest(%s::uuid[]) AS made(agent)
    WHERE row.id = (SELECT id FROM agent_commands WHERE deployment_id = %s ORDER BY queued_at LIMIT 1)) AS copies
"""
WAKE = "SELECT pg_notify('agent_commands', agent::text) FROM unnest(%s::uuid[]) AS agent"
KNOWN = "SELECT count(*) FROM agent_commands WHERE lane LIKE 'bench:%%' AND status = 'acknowledged'"


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on agents. Orders are copies of what was deployed last, or is deployed for this."""
    deployment = asking.last_deployment(plane) or asking.deployed(plane, folder)
    del folder
    agents = enrolled(plane, deployment=deployment)
    # In memory: each journal is synced to the disk, and what a disk makes of two thousand at once is no part of this.
    with tempfile.TemporaryDirectory(prefix="axion-bench-", dir="/dev/shm") as journals:
        return asyncio.run(run(plane, Path(journals), deployment=deployment, agents=agents))


def enrolled(plane: ControlPlane, *, deployment: str) -> list[tuple[UUID, str]]:
    """Store so many servers with an agent each; return the agents with their credentials."""
    ((server,),) = plane.sql("SELECT server_id FROM deployments WHERE id = %s", deployment)
    agents = [(uuid4(), f"agent-{uuid4()}") for _ in range(AGENTS)]
    none = [None] * AGENTS
    values = {
        "servers": [uuid4() for _ in agents],
        "agents": [each for each, _ in agents],
        "hashes": [sha256(credential.encode()).hexdigest() for _, credential in agents],
        "projects": none,
        "deployments": none,
    }
    with psycopg.connect(plane.postgres.url) as database:
        # Copies need no checks, and no counters.
        database.execute("SET session_replication_role = replica")
        for table in ("servers", "agents"):
            key, changes = COPIES[table]
            (columns,) = database.execute(COLUMNS, [table]).fetchone() or ("",)
            statement = COPY.format(table=table, columns=columns, changes=changes, key=key)
            database.execute(statement.encode(), {**values, key: server})
    return agents


async def run(
    plane: ControlPlane, folder: Path, *, deployment: str, agents: Sequence[tuple[UUID, str]]
) -> list[Figure]:
    port = free_port()
    bare = await asyncio.to_thread(bare_gateway, plane, port)
    theirs = HostlessAgents(folder=folder / "bare", port=port, agents=agents)
    ours = HostlessAgents(folder=folder / "ours", port=plane.addresses.gateway, agents=agents)
    try:
        bare_took, connected = await connecting(theirs), await connecting(ours)
        beats = await heartbeats(plane, psutil.Process(bare.pid))
        handed = await orders(plane, ours, deployment=deployment, agents=[each for each, _ in agents])
        await asyncio.to_thread(plane.kill, "gateway")
        while ours.connected:
            await asyncio.sleep(0.02)
        began = time.monotonic()
        await asyncio.to_thread(plane.restart, "gateway")
        await ours.all_connected(seconds=CONNECT_SECONDS)
        back = time.monotonic() - began
    finally:
        await ours.stop()
        await theirs.stop()
        bare.stop()
    name = f"{AGENTS} agents"
    return [
        Figure(name=f"{name}: all connected (bare {bare_took:.1f})", value=connected, unit="s", goal=2.0),
        *beats,
        Figure(name=f"{name}: all were handed a command", value=handed, unit="s", goal=10.0),
        Figure(name=f"{name}: all back after the gateway was killed", value=back, unit="s", goal=60.0),
    ]


async def connecting(agents: HostlessAgents) -> float:
    began = time.monotonic()
    agents.start()
    await agents.all_connected(seconds=CONNECT_SECONDS)
    return time.monotonic() - began


def bare_gateway(plane: ControlPlane, port: int) -> Child:
    child = Child(
        name="bare gateway",
        command=[sys.executable, "-m", "tests.bench.bare_gateway", str(port)],
        log_file=plane.folder / "bare.log",
        env=plane.environment,
        cwd=REPOSITORY,
    )
    child.start()
    wait_for(lambda: listens(port), seconds=30, what="the bare gateway")
    return child


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


async def heartbeats(plane: ControlPlane, bare: psutil.Process) -> list[Figure]:
    """Both serve as many agents at the same time; the processor time of each in the same windows."""
    await asyncio.sleep(SETTLE_SECONDS)
    pairs = []
    for _ in range(PAIRS):
        before = processor(plane, "gateway"), seconds_of(bare)
        await asyncio.sleep(PAIR_SECONDS)
        pairs.append((processor(plane, "gateway") - before[0], seconds_of(bare) - before[1]))
    written = await asyncio.to_thread(liveness, plane)
    share = statistics.median(ours for ours, _ in pairs) / PAIR_SECONDS
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    name = f"{AGENTS} agents, a heartbeat each 5 s"
    return [
        Figure(name=f"{name}: gateway", value=share, unit="cores", goal=1.0),
        Figure(name=f"{name}: bare streams / gateway", value=ratio, unit="ratio", goal=0.7, at_least=True),
        Figure(name=f"{name}: statements for liveness", value=written, unit="1/s", goal=1.0),
    ]


def seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def liveness(plane: ControlPlane) -> float:
    """Statements of the gateway a second that write who was heard."""
    log = plane.folder / "postgres" / "postgres.log"
    log_statements(plane, on=True)
    start, ports, began = log.stat().st_size, set[int](), time.monotonic()
    while time.monotonic() - began < 2 * PAIR_SECONDS:
        ports |= set(ports_of(plane, "gateway"))
        time.sleep(0.5)
    took = time.monotonic() - began
    with log.open("rb") as lines:
        lines.seek(start)
        text = lines.read().decode(errors="replace")
    log_statements(plane, on=False)
    # A statement has several lines; the first one names the process.
    matches = [(LINE.match(line), following) for line, following in _with_next(text.splitlines())]
    return sum(bool(m) and int(m[1]) in ports and LIVENESS in m[2] + following for m, following in matches if m) / took


def _with_next(lines: list[str]) -> list[tuple[str, str]]:
    return [(line, " ".join(lines[at + 1 : at + 4])) for at, line in enumerate(lines)]


async def orders(plane: ControlPlane, ours: HostlessAgents, *, deployment: str, agents: Sequence[UUID]) -> float:
    """Store a command for each at once; the seconds until the last one's word that it has it is stored."""

    def store() -> None:
        with psycopg.connect(plane.postgres.url) as database:
            database.execute("SET session_replication_role = replica")
            (columns,) = database.execute(COLUMNS, ["agent_commands"]).fetchone() or ("",)
            database.execute(ORDER.format(columns=columns).encode(), [list(agents), deployment])
            database.execute(WAKE, [list(agents)])

    await asyncio.to_thread(store)
    began = time.monotonic()
    await until(lambda: len(set(ours.dispatcher.taken)) >= len(agents))
    while (await asyncio.to_thread(plane.sql, KNOWN))[0][0] < len(agents):
        assert time.monotonic() - began < CONNECT_SECONDS, "not all commands were acknowledged"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(CONNECT_SECONDS):
        while not met():
            await asyncio.sleep(0.02)
