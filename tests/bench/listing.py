"""Lists of deployments at a million rows against a thousand, each in a database of its own, in interleaved pairs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.bench.figures import Figure, median_ratio

FEW, MANY = 1_000, 1_000_000
ROUNDS = 3
SAMPLES = 30
MOST_SECONDS = 600.0
ROOT = Path(__file__).resolve().parents[2]
PROJECTS = 10
NAMES = {
    "use case": "listDeployments, use case",
    "rest": "listDeployments over REST",
    "status": "the same of one status",
    "after": "a page in the middle, by `after`",
    "admin": "the admin list",
}
# One project has nine tenths of all rows; nobody looks the rows of a bulk load up by their foreign keys.
FILL = """
SET session_replication_role = replica;
INSERT INTO deployments (id, project_id, owner_id, requested_by_id, kind, server_id, status, stage, progress, reason,
    message, failed_service, log_tail, service_statuses, env_vars, sealed_variables, config, graph_version_id, code,
    force_redeploy, request_id, attempts, last_sequence, log_bytes, completed_at, created_at, updated_at)
SELECT gen_random_uuid(), p.id, p.owner_id, p.owner_id, 'deploy', p.server, s.status, '', 100,
    CASE s.status WHEN 'failed' THEN 'build' ELSE '' END, '', '', '[]', '[]', '{}', '', '{}', p.graph, '{}', false,
    '', 1, 1, 0, t.at, t.at, t.at
FROM generate_series(1, %(rows)s) AS n
CROSS JOIN LATERAL (SELECT CASE WHEN n %% 10 = 0 THEN 'failed' ELSE 'success' END AS status) AS s
CROSS JOIN LATERAL (SELECT timestamptz '2030-01-01' + n * interval '1 second' AS at) AS t
JOIN bench_projects AS p ON p.number = CASE WHEN n %% 10 = 1 THEN (n / 10) %% %(projects)s ELSE 0 END;
SET session_replication_role = origin;
DELETE FROM deployment_counts;
INSERT INTO deployment_counts (project_id, status, change)
SELECT project_id, status, count(*) FROM deployments GROUP BY project_id, status;
"""


def measure() -> list[Figure]:
    """Rows per list. Needs a server on which databases may be made."""
    base = os.environ["DATABASE_URL"]
    with database(base, rows=FEW) as few, database(base, rows=MANY) as many:
        pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
        for _ in range(ROUNDS):
            small, large = child(few, "time"), child(many, "time")
            for name in NAMES:
                pairs[name].append((large[name], small[name]))
    return [
        Figure(name=f"{text}, {MANY:,} rows / {FEW:,}", value=median_ratio(pairs[name]), unit="ratio", goal=1.5)
        for name, text in NAMES.items()
    ]


@contextmanager
def database(base: str, *, rows: int) -> Iterator[str]:
    """The address of a filled database, dropped at the end."""
    name = f"axion_bench_{uuid4().hex[:12]}"
    address = urlunsplit(urlsplit(base)._replace(path=f"/{name}"))
    with psycopg.connect(base, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            child(address, "fill", str(rows))
            yield address
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def child(address: str, *words: str) -> dict[str, float]:
    """Django settles on one database per process, so each address has processes of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.listing", *words],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def fill(rows: int) -> dict[str, float]:
    from django.core.management import call_command
    from django.db import connection

    from tests import factories

    call_command("migrate", verbosity=0)
    owner = factories.make_user("bench", is_staff=True)
    server = factories.make_server(owner)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_projects (number int, id uuid, owner_id uuid, server uuid, graph bigint)")
        for number in range(PROJECTS):
            project = factories.make_project(owner, name=f"project {number}")
            graph = project.graph_versions.get().pk
            cursor.execute(
                "INSERT INTO bench_projects VALUES (%s, %s, %s, %s, %s)",
                [number, project.id, owner.id, server.id, graph],
            )
        cursor.execute(FILL, {"rows": rows, "projects": PROJECTS})
        cursor.execute("VACUUM ANALYZE deployments")
        cursor.execute("ANALYZE deployment_counts")
    return {"rows": rows}


def times() -> dict[str, float]:
    """Median seconds of each list."""
    from django.test import Client
    from rest_framework.test import APIClient

    from deployments.data.list_types import Position
    from deployments.models import Deployment, Project, User
    from deployments.services.permissions.access import caller_of
    from deployments.services.queries import lookups

    user = User.objects.get(username="bench")
    project = Project.objects.get(name="project 0").id
    caller = caller_of(user)
    middle = Deployment.objects.filter(project=project).order_by("created_at")[Deployment.objects.count() // 2]
    after = Position(created_at=middle.created_at, deployment_id=middle.id)
    api, browser = APIClient(HTTP_HOST="localhost"), Client(HTTP_HOST="localhost")
    api.force_authenticate(user)
    browser.force_login(user)

    def answered(client: Any, address: str) -> None:
        answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")

    lists: dict[str, Callable[[], object]] = {
        "use case": lambda: lookups.list_deployments(caller=caller, project_id=project),
        "rest": lambda: answered(api, f"/api/deployments?projectId={project}"),
        "status": lambda: answered(api, f"/api/deployments?projectId={project}&statusFilter=4&page=3"),
        "after": lambda: lookups.list_deployments(caller=caller, project_id=project, after=after),
        "admin": lambda: answered(browser, "/admin/deployments/deployment/"),
    }
    return {name: median_seconds(work) for name, work in lists.items()}


def median_seconds(work: Callable[[], object]) -> float:
    """After a few that warm up."""
    taken = []
    for _ in range(SAMPLES + 3):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[3:])


if __name__ == "__main__":
    from tests import environment as _environment  # noqa: F401 - names the servers of `make services`

    os.environ["DJANGO_SETTINGS_MODULE"] = "axion_deploy.settings"
    os.environ["AXION_RATE_LIMIT"] = "1000000/s"
    import django

    django.setup()
    sys.stdout.write(json.dumps(fill(int(sys.argv[2])) if sys.argv[1] == "fill" else times()) + "\n")
