"""What a deployment of four services asks of the database, PostgreSQL's own checks of foreign keys included."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.bench.deploying import compose_of, deploy, four_services
from tests.bench.figures import Figure
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import server_code

IDLE_SECONDS = 10.0
# What the processes do after the end of a deployment because of it.
AFTER_SECONDS = 2.0
COUNT = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query NOT LIKE '%%pg_stat_statements%%'"


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on statements, without what the idle control plane asks in the same time. Restarts the database."""
    _count_statements(plane)
    code = {name: server_code(text=name) for name in ("page", "left", "right", "base")}
    files = write_project(folder / "counted", name="Counted", graph=four_services(), code=code)
    project = plane.import_project(files)
    deploy(plane, project)
    compose_of(plane, project, folder).down()
    idle = _counted(plane, lambda: time.sleep(IDLE_SECONDS)) / IDLE_SECONDS
    fresh, unchanged = (_of_deployment(plane, project, idle=idle) for _ in range(2))
    plane.remove(project)
    return [
        Figure(name="statements of a deployment of four services", value=fresh, unit="", goal=330),
        Figure(name="statements of one with nothing changed", value=unchanged, unit="", goal=160),
    ]


def _of_deployment(plane: ControlPlane, project: str, *, idle: float) -> float:
    began = time.monotonic()

    def work() -> None:
        deployment = plane.deploy(project)
        # By SQL and seldom: asking is not to be counted.
        wait_for(lambda: _ended(plane, deployment), seconds=180, what="the end of the deployment", pause=0.5)
        time.sleep(AFTER_SECONDS)

    counted = _counted(plane, work)
    took = time.monotonic() - began
    # Each look at the end is one statement in a transaction of its own.
    return counted - took * idle - 3 * (took - AFTER_SECONDS) / 0.5


def _ended(plane: ControlPlane, deployment: str) -> bool:
    ((status,),) = plane.sql("SELECT status FROM deployments WHERE id = %s", deployment)
    return status in ("success", "failed", "rolled_back")


def _counted(plane: ControlPlane, work: Callable[[], None]) -> float:
    ((before,),) = plane.sql(COUNT)
    work()
    ((after,),) = plane.sql(COUNT)
    return float(after - before)


def _count_statements(plane: ControlPlane) -> None:
    with psycopg.connect(plane.postgres.url, autocommit=True) as database:
        database.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    plane.postgres.stop()
    plane.postgres.start()
    with psycopg.connect(plane.postgres.url, autocommit=True) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        database.execute("ALTER SYSTEM SET pg_stat_statements.track = 'all'")
        database.execute("SELECT pg_reload_conf()")
    # Until every process is back at the database.
    time.sleep(IDLE_SECONDS)
