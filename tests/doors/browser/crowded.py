"""Too much of everything: long names, sixty services, a long log, and a deployment in every state that shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from agents.models import Cluster, CommandRecord
from agents.types import ServiceObserved
from deployments.data.incident_types import Cause
from deployments.data.job_types import JobRunState
from deployments.data.notification_types import DeliveryState, MessageKind
from deployments.data.variable_types import PROJECT_WIDE, Place
from deployments.data.variable_types import Scope as Belongs
from deployments.event_types import log_written
from deployments.models import ProjectInvitation, User
from deployments.repositories import events, history
from deployments.scopes import Scope
from deployments.services.fleet import machine_list
from deployments.services.lifecycle.cancel import cancel_deployment
from deployments.services.permissions import api_tokens
from deployments.services.permissions.access import caller_of
from deployments.services.projects import project_variables, sources
from deployments.services.requests import repair
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.drift.stage import Stage
from tests.deployments.lane import Lane
from tests.doors.browser.crowded_cluster import a_formed_cluster
from tests.doors.browser.crowded_people import some_people
from tests.doors.browser.crowded_server import some_containers
from tests.doors.browser.crowded_usage import some_usage
from tests.factories import later

LONG = "-".join(["a-name-that-has-no-place-to-break-it"] * 3)[:100]
SERVICES = 60
LOG_LINES = 500
WAITING = 9
VARIABLES = {f"A_VARIABLE_WITH_A_LONG_NAME_NUMBER_{number:02}": "x" for number in range(30)}


def name_of(number: int) -> str:
    return f"service-{number:02}-of-a-family-of-alike-ones"


def graph(*, tag: str, count: int) -> dict[str, Any]:
    """Two services that all others call."""
    image = f"registry.example.org:5000/{LONG}"
    nodes = [
        {
            "id": f"n-{number}",
            "type": 1,
            "data": {"serviceName": name_of(number), "config": {"image": f"{image}:{tag}", "replicas": "3"}},
        }
        for number in range(count)
    ]
    edges = [
        {"id": f"e-{number}", "source": f"n-{number}", "target": f"n-{number % 2}", "type": 2}
        for number in range(2, count)
    ]
    return {"nodes": nodes, "edges": edges}


def twice_deployed(owner: User, *, name: str, count: int) -> tuple[Lane, DeploymentRecord, DeploymentRecord]:
    """A project on a server of its own, and its two successes."""
    server = factories.make_server(owner, name=f"{count} {LONG}"[:100])
    project = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name=name)
    lane = Lane(owner=owner, project_id=project.id, server=server, agent=factories.make_agent(server))
    store_graph(lane, tag="1", count=count)
    first = lane.deployed()
    store_graph(lane, tag="2", count=count)
    return lane, first, lane.deployed(env_vars=VARIABLES)


def store_graph(lane: Lane, *, tag: str, count: int) -> None:
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=graph(tag=tag, count=count))


def crowd(owner: User) -> Mapping[str, str]:
    """Rows by the names that the table of pages has in braces."""
    many, first, second = twice_deployed(owner, name=LONG, count=SERVICES)
    store_graph(many, tag="3", count=SERVICES)
    working = many.start(many.ask())
    talk(many, working)
    waiting = [many.ask() for _ in range(WAITING)]
    few, _, undone = twice_deployed(owner, name=f"few {LONG}"[:100], count=3)
    rollback = few.start(few.ask_rollback(undone))
    two, alone, _ = twice_deployed(owner, name="Shop", count=2)
    failed = two.fail(two.start(two.ask()), failed_service=name_of(1), log_tail=(f"boom {LONG * 3}",) * 40)
    restored = two.restore(two.start(two.ask()))
    cancelling = two.start(two.ask())
    cancel_deployment(caller=two.caller, deployment_id=cancelling.id, at=two.now())
    some_variables(many)
    for state in ("pending", "done"):
        outcome = "timed_out" if state == "done" else ""
        factories.make_reach_check(
            factories.project_of(many.project_id), many.server, state=state,
            ended_at=factories.NOW if outcome else None,
            lines=[{"node_id": "n-1", "name": LONG, "host": f"{LONG}.example.org"[:253], "port": 65535,
                    "outcome": outcome, "message": LONG}] * 20,
        )  # fmt: skip
    some_usage(many, names=[name_of(number) for number in range(12)])
    some_containers(owner, many.server)
    cluster = a_formed_cluster(owner, agent_id=many.agent.id, name=LONG)
    blank = sources.create_project(caller=two.caller, project_id=uuid4(), name="Blank")
    rows = {
        "project": many.project_id,
        "target": f"server:{many.server.id}",
        "service": name_of(7),
        "second": second.id,
        "success": alone.id,
        "failed": failed.id,
        "restored": restored.id,
        "working": working.id,
        "waiting": waiting[-1].id,
        "undone": undone.id,
        "rollback": rollback.id,
        "cancelling": cancelling.id,
        "newer": entry_of(second),
        "older": entry_of(first),
        "incident": some_incidents(many, failed=failed, deployed=second),
        "run": some_runs(many),
        "channel": a_channel(many),
        "registry": factories.make_registry(
            project=factories.project_of(many.project_id), name=LONG, address=f"{'registry-' * 5}of.example.org:5000"
        ).pk,
        "server": many.server.id,
        "agent": many.agent.id,
        "cluster": cluster.pk,
        "unformed": Cluster.objects.create(owner=owner, name="staging").pk,
        "command": CommandRecord.objects.order_by("pk")[0].pk,
        "user": owner.pk,
        "token": some_tokens(owner),
        "enrolment": an_enrolment(owner, server_id=many.server.id),
        "blank": blank.id,
        **a_changed_stack(owner),
        "invitation": an_invitation(owner),
        **some_people(owner, many.project_id),
    }
    return {name: str(row) for name, row in rows.items()}


def some_variables(lane: Lane) -> None:
    """Names as long as they may be, for all that a variable may belong to."""
    places = (PROJECT_WIDE, Place(scope=Belongs.TARGET, key=str(lane.server.id)), Place(scope=Belongs.NODE, key="n-1"))
    for place in places:
        project_variables.change_variables(
            caller=lane.caller, project_id=lane.project_id, place=place, values=VARIABLES, at=lane.now()
        )


def some_runs(lane: Lane) -> UUID:
    """Runs of jobs in every state, with too much to say; returns one of them."""
    project = factories.project_of(lane.project_id)
    for state in JobRunState:
        run = factories.make_job_run(
            project,
            lane.server,
            job=f"{state}-{LONG}",
            state=state,
            message=f"{LONG} {state}",
            output=f"{LONG}\n" * 200,
        )
    return UUID(str(run.id))


def some_incidents(lane: Lane, *, failed: DeploymentRecord, deployed: DeploymentRecord) -> UUID:
    """One with all that there can be, and others of every other kind."""
    project, server = factories.project_of(lane.project_id), lane.server
    container = {
        "name": f"{LONG}-1", "serviceName": name_of(1), "state": "exited", "health": "none", "exitCode": 137,
        "oomKilled": True, "restarts": 12, "startedAt": 1_700_000_000_000, "finishedAt": 1_700_000_600_000,
    }  # fmt: skip
    for cause in set(Cause) - {Cause.DEGRADED}:
        factories.make_incident(project, server, cause=cause, severity="warning", message=f"{LONG} {cause}")
    made = factories.make_incident(
        project, server, cause=Cause.DEGRADED, message=" ".join(f"{name_of(each)}: gone." for each in range(SERVICES)),
        services=[name_of(each) for each in range(SERVICES)], containers=[container] * 20,
        log_tail=list(failed.log_tail), deployment_id=deployed.id, acknowledged_at=factories.NOW,
        acknowledged_by=lane.owner,
    )  # fmt: skip
    return UUID(str(made.pk))


def a_channel(lane: Lane) -> UUID:
    """Of a project with a long name, with deliveries in every state."""
    channel = factories.make_channel(project=factories.project_of(lane.project_id), name=LONG, causes=list(Cause))
    data = {"cause": "gone", "projectName": LONG, "serverName": LONG}
    for state in DeliveryState:
        for kind in MessageKind:
            factories.make_delivery(
                channel,
                kind=kind,
                state=state,
                attempts=3,
                error=LONG * 2,
                content={"type": f"incident.{kind}", "data": data},
            )
    return UUID(str(channel.pk))


def a_changed_stack(owner: User) -> dict[str, Any]:
    """Somebody was busy on the server: many differences with long names, some of them left as they are."""
    lane, _, _ = twice_deployed(owner, name=f"changed {LONG}"[:100], count=20)
    stage = Stage(lane)
    stage.connect()
    stage.prove(lane.start(lane.ask(force_redeploy=True)), started=True)
    for number in range(16):
        stage.change(name_of(number), image_id=f"sha256:{LONG}", name=LONG, health="healthy")
    stage.remove(name_of(17))
    repair.leave_difference(
        caller=lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        service_name=name_of(3),
        aspect="name",
        left=True,
    )
    return {"changed": lane.project_id, "changed_target": f"server:{lane.server.id}"}


def some_tokens(owner: User) -> UUID:
    """Names as long as they may be; one was used."""
    caller = caller_of(owner)
    made = [api_tokens.create_token(caller=caller, name=LONG, scope=scope, days=365) for scope in Scope]
    api_tokens.authenticate(token=made[0][1])
    return made[0][0].id


def an_enrolment(owner: User, *, server_id: UUID) -> UUID:
    caller = caller_of(owner)
    machine_list.issue_enrolment_token(caller=caller, server_id=server_id, replace=True)
    return machine_list.list_enrolment_tokens(caller=caller, server_id=server_id)[0].id


def an_invitation(invited: User) -> UUID:
    """To a project of somebody else, with names as long as they may be."""
    inviter = factories.make_user(f"inviter-{LONG}"[:100])
    project = sources.create_project(caller=caller_of(inviter), project_id=uuid4(), name=LONG)
    invitation = ProjectInvitation.objects.create(
        project_id=project.id,
        name=invited.get_username(),
        role="deployer",
        invited_by=inviter,
        created_at=timezone.now(),
    )
    return invitation.id


def entry_of(deployment: DeploymentRecord) -> UUID:
    entry = history.of_deployment(deployment_id=deployment.id)
    assert entry is not None
    return entry.id


def talk(lane: Lane, deployment: DeploymentRecord) -> None:
    """A long log, and one service that does not come up."""
    lines = [
        log_written(service=name_of(number % SERVICES), source="build", text=f"{number} {LONG * 2}")
        for number in range(LOG_LINES)
    ]
    with transaction.atomic():
        events.append(deployment_id=deployment.id, events=lines, at=later(99))
    seen = ServiceObserved(node_id="n-7", service_name=name_of(7), state="restarting", health="unhealthy")
    lane.report(deployment, seen)
