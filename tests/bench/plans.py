"""How the database goes about what it is asked most often: no plan reads a table of a million rows from end to end.

A deployment is reported, published, looked at and watched over in this process, beside a million others with their
events and commands, and the database's own `auto_explain` tells each plan that it has executed, those inside triggers
and of foreign keys, too. Tables with a few rows are rightly read whole and do not count.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from typing import Any
from uuid import uuid4

from tests.bench.figures import Figure
from tests.bench.listing import MOST_SECONDS, ROOT, database

ROWS = int(os.environ.get("AXION_BENCH_PLAN_ROWS", "1000000"))
MOST_FREQUENT = 10
REPORTS = 60
LARGE = ("deployments", "deployment_events", "agent_commands", "deployment_history")
SCAN = re.compile(rf"Seq Scan on ({'|'.join(LARGE)})\b")
VALUES = re.compile(r"'(?:[^']|'')*'(?:::\w+(?:\[\])?)?|\b\d+(?:\.\d+)?\b|\$\d+")
SETTINGS = {
    "log_min_duration": "0",
    "log_level": "notice",
    "log_nested_statements": "on",
}
# Beside each deployment of the lists: an event, a command and a version that are over.
FILL = """
SET session_replication_role = replica;
INSERT INTO deployment_events
    (id, deployment_id, project_id, sequence, type, payload, created_at, published_at, streamed_at)
SELECT gen_random_uuid(), id, project_id, 1, 'deployment.created', '{}', created_at, created_at, created_at
FROM deployments WHERE id <> %(deployment)s;
INSERT INTO agent_commands
SELECT (jsonb_populate_record(NULL::agent_commands, to_jsonb(one) || jsonb_build_object(
    'id', gen_random_uuid(), 'deployment_id', made.id, 'project_id', made.project_id, 'lane', 'bench:' || made.id,
    'status', 'finished', 'next_send_at', NULL))).*
FROM agent_commands AS one CROSS JOIN deployments AS made WHERE one.id = %(command)s AND made.id <> one.deployment_id;
INSERT INTO deployment_history
SELECT (jsonb_populate_record(NULL::deployment_history, to_jsonb(one) || jsonb_build_object(
    'id', gen_random_uuid(), 'deployment_id', made.id, 'project_id', made.project_id,
    'number', row_number() OVER () + 1))).*
FROM deployment_history AS one CROSS JOIN deployments AS made
WHERE one.deployment_id = %(deployment)s AND made.id <> one.deployment_id AND made.status = 'success';
SET session_replication_role = origin;
"""


def measure() -> list[Figure]:
    """The row; names the rarer statements that scan, too. Needs the rights of a superuser."""
    with database(os.environ["DATABASE_URL"], rows=ROWS) as filled:
        command = [sys.executable, "-m", "tests.bench.plans"]
        environment = {**os.environ, "DATABASE_URL": filled, "KAFKA_BROKERS": ""}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for text in found["scanning"]:
        sys.stderr.write(f"reads a large table whole: {text}\n")
    name = f"statements with a sequential scan at {ROWS:,} rows, of the"
    return [
        Figure(name=f"{name} {MOST_FREQUENT} most frequent", value=found["frequent"], unit="", goal=0),
    ]


def explained() -> dict[str, Any]:
    """Do the work and return what the database says of it: which statements scan, and how many there are."""
    from django.db import connection

    lane = _prepare()
    counted: Counter[str] = Counter()
    scanning: set[str] = set()

    def note(diagnostic: Any) -> None:
        text, plan = _read(diagnostic.message_primary or "")
        counted[text] += 1
        if SCAN.search(plan):
            scanning.add(text)

    with connection.cursor() as cursor:
        cursor.execute("LOAD 'auto_explain'")
        for name, value in SETTINGS.items():
            cursor.execute(f"SET auto_explain.{name} = '{value}'")
    connection.connection.add_notice_handler(note)
    _work(lane)
    frequent = [text for text, _ in counted.most_common(MOST_FREQUENT)]
    return {
        "all": len(counted),
        "frequent": sum(text in scanning for text in frequent),
        "scanning": sorted(text[:300] for text in scanning),
        "most": [(count, text[:200]) for text, count in counted.most_common(MOST_FREQUENT)],
    }


def _prepare() -> Any:
    """A lane with a version that runs, beside a million."""
    from django.db import connection

    from deployments.services.lifecycle import command_ids
    from deployments.services.permissions.access import caller_of
    from deployments.services.projects import sources
    from tests import factories
    from tests.deployments.lane import Lane

    owner = factories.make_user("planner", is_staff=True)
    server = factories.make_server(owner, name="planned")
    project = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name="Planned")
    lane = Lane(owner=owner, project_id=project.id, server=server, agent=factories.make_agent(server))
    lane.store_graph(web="web:1", db="db:1")
    deployment = lane.deployed()
    command = command_ids.deploy_command_id(deployment.id)
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"command": command, "deployment": deployment.id})
        for table in LARGE:
            cursor.execute(f"VACUUM ANALYZE {table}")
    return lane


def _work(lane: Any) -> None:
    """One more deployment: reported, published, asked for by its gateway and its readers, looked after."""
    from django.utils import timezone

    from agents.repositories import delivery, gateways
    from agents.states import CommandStage
    from agents.types import LogWritten, ServiceObserved, Sighting, StageReached
    from deployments import outbox_relay
    from deployments.services.queries import lookups
    from deployments.services.upkeep.rounds import Rounds

    (outbox,) = outbox_relay.outboxes()
    deployment, gateway, session = lane.start(lane.ask()), uuid4(), uuid4()
    rounds = Rounds()
    bodies = (
        StageReached(stage=CommandStage.DEPLOYING, percent=10, message="starting"),
        LogWritten(service_name="web", source="agent", text="a line\n"),
        ServiceObserved(node_id="n-web", service_name="web", state="running", health="starting", replicas=1),
    )
    for number in range(REPORTS):
        lane.report(deployment, bodies[number % len(bodies)])
        outbox_relay.publish_batch(outbox=outbox, at=timezone.now())
        delivery.claim_due(session_ids=[session], limit=10)
        gateways.beat_and_touch(gateway_id=gateway, seen={lane.agent.id: Sighting(session_id=session)})
        lookups.get_deployment(caller=lane.caller, deployment_id=deployment.id)
        rounds.step(at=timezone.now())
    lane.succeed(deployment)
    lookups.list_deployments(caller=lane.caller, project_id=lane.project_id)


def _read(message: str) -> tuple[str, str]:
    """Return the statement without its values, and its plan."""
    query, _, rest = message.partition("Query Text: ")[2].partition("\n")
    # A statement of several lines goes on until the plan, whose lines name costs.
    lines = rest.splitlines()
    first = next((at for at, line in enumerate(lines) if "(cost=" in line), len(lines))
    whole = " ".join([query, *lines[:first]])
    return VALUES.sub("?", " ".join(whole.split())), "\n".join(lines[first:])


if __name__ == "__main__":
    from tests import environment as _environment  # noqa: F401 - names the servers of `make services`

    os.environ["DJANGO_SETTINGS_MODULE"] = "axion_deploy.settings"
    import django

    django.setup()
    sys.stdout.write(json.dumps(explained()) + "\n")
