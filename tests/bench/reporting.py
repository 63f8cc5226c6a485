"""What one report of an agent costs when its stack has a thousand services: processor time, and until it is stored."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from uuid import uuid4

from tests.bench.figures import Figure
from tests.bench.listing import MOST_SECONDS, ROOT, database

SERVICES = 1_000
REPORTS = 20
# Of lists of deployments, which this is not about.
FEW = 10


def measure() -> list[Figure]:
    """One row for each kind of report, and the dearest one's processor time in this process."""
    with database(os.environ["DATABASE_URL"], rows=FEW) as filled:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.reporting"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": filled, "KAFKA_BROKERS": ""},
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    rows = [
        Figure(name=f"report of a stack of {SERVICES:,} services, {kind}", value=wall, unit="ms", goal=12)
        for kind, (wall, _) in found.items()
    ]
    dearest = max(processor for _, processor in found.values())
    return [*rows, Figure(name="the dearest of these, processor", value=dearest, unit="ms", goal=12)]


def times() -> dict[str, tuple[float, float]]:
    """Milliseconds of each kind of report, medians: until it is stored, and of this process's processor time."""
    from agents.states import CommandStage
    from agents.types import LogWritten, ReportBody, ServiceObserved, StageReached
    from deployments.services.lifecycle import command_ids
    from deployments.services.permissions.access import caller_of
    from deployments.services.projects import sources
    from tests import factories
    from tests.deployments.lane import Lane

    owner = factories.make_user("reporter", is_staff=True)
    server = factories.make_server(owner, name="reporting")
    project = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name="Reporting")
    lane = Lane(owner=owner, project_id=project.id, server=server, agent=factories.make_agent(server))
    lane.store_graph(**{f"s{number}": "image:1" for number in range(SERVICES)})
    deployment = lane.start(lane.ask())

    def body(kind: str, number: int) -> ReportBody:
        if kind == "a service":
            name = f"s{number}"
            return ServiceObserved(node_id=f"n-{name}", service_name=name, state="running", health="healthy")
        if kind == "a stage":
            return StageReached(stage=CommandStage.DEPLOYING, percent=10 + number, message="starting")
        return LogWritten(service_name="s1", source="agent", text="a line\n")

    command, told = command_ids.deploy_command_id(deployment.id), 0
    found = {}
    for kind in ("a stage", "a log line", "a service"):
        walls, processor = [], []
        for number in range(REPORTS):
            told += 1
            wall, used = time.perf_counter(), time.process_time()
            lane.tell(deployment, body(kind, number), command_id=command, number=told)
            processor.append((time.process_time() - used) * 1000)
            walls.append((time.perf_counter() - wall) * 1000)
        found[kind] = statistics.median(walls), statistics.median(processor)
    return found


if __name__ == "__main__":
    from tests import environment as _environment  # noqa: F401 - names the servers of `make services`

    os.environ["DJANGO_SETTINGS_MODULE"] = "axion_deploy.settings"
    import django

    django.setup()
    sys.stdout.write(json.dumps(times()) + "\n")
