"""Rows for tests, with the fewest words."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents import gateway
from agents.contracts.version import MINIMUM_PROTOCOL
from agents.models import Agent, AgentUpdate, GatewayPresence, Server, UpdateRollout
from agents.types import DeployCommand
from deployments.data.installation_types import (
    InstallationAction,
    InstallationRecord,
    InstallationRequest,
    SshAddress,
    SshLogin,
)
from deployments.models import (
    Deployment,
    GraphVersion,
    GroupPerson,
    Incident,
    JobRun,
    NotificationChannel,
    NotificationDelivery,
    PeopleGroup,
    Project,
    ProjectGroup,
    ProjectMember,
    ReachCheck,
    Registry,
    TargetGrant,
    User,
)
from deployments.repositories import clock, deployments
from deployments.repositories.installations import installation_rows
from deployments.repositories.records import service_to_json
from deployments.services.lifecycle import command_ids
from deployments.services.permissions.access import caller_of
from deployments.states import Transition
from deployments.types import DeploymentRecord, ServiceState

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


def database_time(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """Let the database's clock say this, for what ends waits by it."""
    monkeypatch.setattr(clock, "now", lambda: at)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


# The smallest graph that can be deployed.
ONE_NODE = {
    "nodes": [{"id": "n1", "type": 1, "data": {"serviceName": "web", "config": {"image": "nginx:1.29"}}}],
    "edges": [],
}


def make_user(name: str, **columns: Any) -> User:
    return User.objects.create_user(username=name, password="correct horse", **columns)


def make_project(owner: User, *, name: str = "Voting", **columns: Any) -> Project:
    project_id = uuid4()
    project = Project.objects.create(id=project_id, owner=owner, name=name, slug=f"p-{project_id.hex[:12]}", **columns)
    GraphVersion.objects.create(project=project, version=1, graph=ONE_NODE)
    return project


def project_of(project_id: UUID) -> Project:
    return Project.objects.get(pk=project_id)


def grant(project: Project, server: Server) -> TargetGrant:
    """Both owners let the project use the server."""
    return TargetGrant.objects.create(
        project=project,
        server_id=server.id,
        project_side_by=project.owner,
        project_side_at=NOW,
        server_side_by=server.owner,
        server_side_at=NOW,
        created_at=NOW,
    )


def add_member(project: Project, user: User, *, role: str) -> None:
    ProjectMember.objects.create(project=project, user=user, role=role)


def add_group(project: Project, user: User, *, role: str, name: str = "crew") -> PeopleGroup:
    """A group with this person alone, with a role in the project."""
    group = PeopleGroup.objects.create(name=name)
    GroupPerson.objects.create(group=group, user=user)
    ProjectGroup.objects.create(project=project, group=group, role=role)
    return group


def make_server(owner: User, *, name: str = "server-1") -> Server:
    return Server.objects.create(id=uuid4(), owner=owner, name=name, host="127.0.0.1")


def make_installation(server: Server, **changes: Any) -> InstallationRecord:
    """Wait for a worker; nobody is asked to take it up."""
    address = SshAddress(host="127.0.0.1", port=22, username="root")
    wanted = {
        "action": InstallationAction.INSTALL,
        "address": address,
        "login": SshLogin(),
        "gateway_url": "http://127.0.0.1:50051",
        **changes,
    }
    return installation_rows.add(
        installation_id=uuid4(),
        server_id=server.id,
        server_name=server.name,
        request=InstallationRequest(**wanted),
        sealed="",
        caller=caller_of(server.owner),
        wait=timedelta(hours=1),
    )


def make_rollout(server: Server) -> UpdateRollout:
    """An update of the server's agent, which nobody moves on."""
    made = UpdateRollout.objects.create(
        version="9.9.9",
        digest="0" * 64,
        requested_by_id=server.owner.pk,
        requested_by_name=server.owner.username,
        requested_at=datetime.now(UTC),
    )
    AgentUpdate.objects.create(
        rollout=made,
        agent_id=uuid4(),
        server_id=server.pk,
        server_name=server.name,
        wave=1,
        state="ordered",
        told="trying",
        message="Starting the new version beside this one.",
        deadline_at=datetime.now(UTC) + timedelta(hours=1),
    )
    return made


def make_agent(server: Server, *, seen: datetime | None = None) -> Agent:
    return Agent.objects.create(
        id=uuid4(),
        server_id=server.id,
        owner=server.owner,
        credential_hash=uuid4().hex,
        protocol=MINIMUM_PROTOCOL,
        # By default heard of for as long as any test may take.
        last_seen_at=seen or datetime.now(UTC) + timedelta(hours=1),
        enrolled_at=datetime.now(UTC),
    )


def make_deployment(project: Project, server: Server, *, at: datetime = NOW, **columns: Any) -> Deployment:
    """A pending deployment of two services."""
    services = [ServiceState(node_id=f"n-{name}", name=name, image=f"image-{name}") for name in ("web", "db")]
    return Deployment.objects.create(
        id=uuid4(),
        project=project,
        owner=project.owner,
        requested_by=columns.pop("requested_by", project.owner),
        server_id=server.id,
        graph_version=project.graph_versions.get(),
        service_statuses=[service_to_json(state) for state in services],
        created_at=at,
        updated_at=at,
        next_attempt_at=columns.pop("next_attempt_at", at + timedelta(seconds=8)),
        **columns,
    )


def make_incident(project: Project, server: Server, **columns: Any) -> Incident:
    """An open one: web is missing."""
    usual: dict[str, Any] = {"cause": "gone", "severity": "critical", "message": "All of its containers are missing."}
    return Incident.objects.create(
        project=project,
        server_id=server.id,
        since_ms=int(NOW.timestamp() * 1000),
        opened_at=NOW,
        updated_at=NOW,
        **{**usual, **columns},
    )


def make_channel(**columns: Any) -> NotificationChannel:
    """A webhook that nobody can open."""
    usual: dict[str, Any] = {"name": "ops", "kind": "webhook", "service": "webhook", "sealed": "1:sealed"}
    return NotificationChannel.objects.create(**{**usual, **columns}, least_severity="warning", created_at=NOW)


def make_registry(**columns: Any) -> Registry:
    """A registry whose password nobody can open."""
    usual: dict[str, Any] = {"name": "images", "address": f"r{uuid4().hex[:8]}.example.org"}
    usual |= {"username": "robot", "sealed": "1:sealed", "created_at": NOW, "changed_at": NOW}
    return Registry.objects.create(**{**usual, **columns})


def make_delivery(channel: NotificationChannel, **columns: Any) -> NotificationDelivery:
    """A test that was sent."""
    usual: dict[str, Any] = {"kind": "test", "state": "sent", "content": {"type": "channel.test", "data": {}}}
    return NotificationDelivery.objects.create(
        channel=channel, created_at=NOW, due_at=NOW, ended_at=NOW, **{**usual, **columns}
    )


def start_deployment(deployment: Deployment, agent: Agent, *, at: datetime = NOW) -> DeploymentRecord:
    """In progress, its command in the ledger. Needs a transaction."""
    deployments.advance(
        deployment_id=deployment.id,
        transition=Transition.START,
        at=at,
        config={"stackName": "axion-test"},
        deadline_at=at + timedelta(seconds=1800),
    )
    Deployment.objects.filter(pk=deployment.pk).update(started_at=at)
    record = deployments.get(deployment_id=deployment.id)
    gateway.send(
        command_id=command_ids.deploy_command_id(deployment.id),
        agent_id=agent.id,
        lane=record.lane,
        deployment_id=deployment.id,
        project_id=deployment.project_id,
        command=DeployCommand(stack_name="axion-test", files={}, services=()),
    )
    return record


def make_job_run(project: Project, server: Server, **columns: Any) -> JobRun:
    usual: dict[str, Any] = {
        "id": uuid4(),
        "deployment_id": uuid4(),
        "job": "nightly",
        "state": "running",
        "revision": 1,
        "due_at": NOW,
        "last_due_at": NOW,
        "started_at": NOW,
        "told_at": NOW,
    }
    return JobRun.objects.create(project=project, server_id=server.id, **{**usual, **columns})


def make_reach_check(project: Project, server: Server, **columns: Any) -> ReachCheck:
    usual: dict[str, Any] = {
        "server_name": server.name,
        "lines": [{"node_id": "n-db", "name": "db", "host": "db.example.org", "port": 5432, "outcome": "reached"}],
        "state": "done",
        "requested_by_id": project.owner_id,
        "requested_by_name": "owner",
        "requested_at": NOW,
        "deadline_at": NOW,
        "ended_at": NOW,
    }
    return ReachCheck.objects.create(project_id=project.pk, server_id=server.id, **{**usual, **columns})


def reload(deployment_id: UUID) -> DeploymentRecord:
    return deployments.get(deployment_id=deployment_id)


def hear_agents(*, since: datetime, at: datetime) -> None:
    """A gateway that has listened all this time."""
    GatewayPresence.objects.create(id=uuid4(), listening_since=since, last_seen_at=at)


def code_tar() -> bytes:
    """The code of a service as it is uploaded: one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        made = tarfile.TarInfo("main.py")
        made.size = 4
        archive.addfile(made, io.BytesIO(b"pass"))
    return packed.getvalue()
