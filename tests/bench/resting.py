"""What the processes cost when nothing happens: statements and processor time at rest, and what a start takes.

`python -m tests.bench.resting` shows each process by itself, on a control plane of its own without and with stacks.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg

from tests import environment as _environment  # noqa: F401 - names the servers of `make services`
from tests.bench.figures import Figure
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import server_code, two_services

WINDOW_SECONDS = 60.0
SETTLE_SECONDS = 15.0
# After which the loops count as calm.
CALM_SECONDS = 100.0
STACKS = 400
PROCESSES = ("web", "worker", "gateway", "publisher", "reconciler")
# A line of the server's log begins with the port of the client.
PREFIX = "at rest %r "
LINE = re.compile(r"^at rest \S*\((\d+)\) .*?(?:statement|execute [^:]*): ?(.*)")
# Copies of one row with other ids: all columns but those that the server works out by itself.
COPY = """
INSERT INTO {table} ({columns}) SELECT {columns} FROM (
    SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(row) || jsonb_build_object({changes}))).*
    FROM {table} AS row, unnest(%(projects)s::uuid[], %(deployments)s::uuid[]) AS made(project, deployment)
    WHERE row.{key} = %({key})s) AS copies
"""
COPIES = {
    "projects": ("id", "'id', made.project, 'slug', 'at-rest-' || made.project, 'name', made.project"),
    "deployments": ("project_id", "'id', made.deployment, 'project_id', made.project"),
    "deployment_history": (
        "deployment_id",
        "'id', gen_random_uuid(), 'deployment_id', made.deployment, 'project_id', made.project",
    ),
}
COLUMNS = """
SELECT string_agg(column_name, ', ') FROM information_schema.columns
WHERE table_name = %s AND is_generated = 'NEVER' AND is_identity = 'NO'
"""


@dataclass(frozen=True, kw_only=True)
class Rest:
    """By process: statements a second, and the share of a core in per cent; `kinds` are the statements themselves."""

    statements: dict[str, float]
    processor: dict[str, float]
    kinds: Counter[tuple[str, str]]


def measure(plane: ControlPlane) -> list[Figure]:
    """After all that the plane has done, in a window without a request."""
    found = at_rest(plane, seconds=WINDOW_SECONDS)
    return [
        Figure(name="statements at rest", value=sum(found.statements.values()), unit="1/s", goal=4.0),
        Figure(name="processor at rest, the busiest", value=max(found.processor.values()), unit="%", goal=0.3),
        Figure(name="start of a process, the dearest", value=max(starts(plane).values()), unit="s", goal=1.5),
    ]


def at_rest(plane: ControlPlane, *, seconds: float) -> Rest:
    """Watch the processes for as long. The server writes each statement into its log meanwhile."""
    names = [name for name in (*PROCESSES, "runner") if name in plane.children]
    time.sleep(CALM_SECONDS)
    log_statements(plane, on=True)
    ports: dict[int, str] = {}
    log = plane.folder / "postgres" / "postgres.log"
    from_byte, before, began = log.stat().st_size, {name: processor(plane, name) for name in names}, time.monotonic()
    while time.monotonic() - began < seconds:
        for name in names:
            ports |= dict.fromkeys(ports_of(plane, name), name)
        time.sleep(1.0)
    took = time.monotonic() - began
    used = {name: 100 * (processor(plane, name) - before[name]) / took for name in names}
    with log.open("rb") as lines:
        lines.seek(from_byte)
        written = lines.read().decode(errors="replace")
    log_statements(plane, on=False)
    kinds: Counter[tuple[str, str]] = Counter()
    for line in written.splitlines():
        if matched := LINE.match(line):
            kinds[ports.get(int(matched[1]), "others"), matched[2][:110]] += 1
    statements: Counter[str] = Counter()
    for (name, _), count in kinds.items():
        statements[name] += count
    return Rest(statements={name: count / took for name, count in statements.items()}, processor=used, kinds=kinds)


def starts(plane: ControlPlane) -> dict[str, float]:
    """Start each process anew; return the processor seconds until it has settled."""
    seconds = {}
    for name in PROCESSES:
        plane.kill(name)
        plane.restart(name)
        time.sleep(SETTLE_SECONDS / 3)
        seconds[name] = processor(plane, name)
    wait_for(plane.web_answers, seconds=60, what="the web process")
    return seconds


def processor(plane: ControlPlane, name: str) -> float:
    """Return the processor seconds of a process so far."""
    times = psutil.Process(plane.children[name].pid).cpu_times()
    return float(times.user + times.system)


def fill(plane: ControlPlane, *, deployment: str, number: int) -> None:
    """Store copies of a successful deployment and of its project: as many stacks on the one server."""
    ((project,),) = plane.sql("SELECT project_id FROM deployments WHERE id = %s", deployment)
    values = {
        "id": project,
        "project_id": project,
        "deployment_id": deployment,
        "projects": [uuid4() for _ in range(number)],
        "deployments": [uuid4() for _ in range(number)],
    }
    with psycopg.connect(plane.postgres.url) as database:
        # Copies need no checks, and no counters.
        database.execute("SET session_replication_role = replica")
        for table, (key, changes) in COPIES.items():
            (columns,) = database.execute(COLUMNS, [table]).fetchone() or ("",)
            statement = COPY.format(table=table, columns=columns, changes=changes, key=key)
            database.execute(statement.encode(), values)


def ports_of(plane: ControlPlane, name: str) -> list[int]:
    """The local ports of a process: by them the database's log names it."""
    connections = psutil.Process(plane.children[name].pid).net_connections(kind="tcp")
    return [each.laddr.port for each in connections if each.laddr]


def log_statements(plane: ControlPlane, *, on: bool) -> None:
    """Have the database write each statement into its log, or no longer."""
    with psycopg.connect(plane.postgres.url, autocommit=True) as database:
        database.execute(f"ALTER SYSTEM SET log_statement = '{'all' if on else 'none'}'".encode())
        database.execute(f"ALTER SYSTEM SET log_line_prefix = '{PREFIX}'".encode())
        database.execute("SELECT pg_reload_conf()")
    time.sleep(1.0)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="axion-rest-") as name:
        plane = ControlPlane(folder=Path(name))
        try:
            plane.start()
            show("without a stack", at_rest(plane, seconds=WINDOW_SECONDS))
            code = {each: server_code() for each in ("web", "api")}
            made = write_project(Path(name) / "project", name="At rest", graph=two_services(lives_long=True), code=code)
            deployment = plane.deploy(plane.import_project(made))
            if plane.wait_for_end(deployment)["status"] != 3:
                raise RuntimeError(plane.get(deployment))
            show("with a stack", at_rest(plane, seconds=WINDOW_SECONDS))
            fill(plane, deployment=deployment, number=STACKS)
            show(f"with {STACKS} more", at_rest(plane, seconds=WINDOW_SECONDS))
            for process, seconds in starts(plane).items():
                sys.stdout.write(f"start of {process}: {seconds:.2f} s of processor\n")
        finally:
            plane.stop()
    return 0


def show(title: str, found: Rest) -> None:
    sys.stdout.write(f"--- {title}: {sum(found.statements.values()):.2f} statements a second\n")
    for name, share in found.processor.items():
        sys.stdout.write(f"{name:<12} {found.statements.get(name, 0.0):6.2f}/s  {share:5.2f} %\n")
    for (name, text), count in found.kinds.most_common(40):
        sys.stdout.write(f"    {count:>5} {name:<11} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
