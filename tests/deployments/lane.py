"""One project on one server, taken through the use cases; the test makes the agent's reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from agents.models import Agent, CommandRecord, Server
from agents.states import CommandOutcome
from agents.types import CommandFinished, Report, ReportBody, RestoreStarted, ServiceObserved
from deployments.models import User
from deployments.services.lifecycle import agent_reports, command_ids, start
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.requests.deploy import deploy_project
from deployments.services.requests.rollback import rollback_deployment
from deployments.types import Caller, DeploymentRecord, DeployRequest, Target, TargetKind
from tests import factories
from tests.factories import NOW, later


def graph_of_images(**images: str) -> dict[str, Any]:
    """Return a graph of services that only have an image; all of them read the request's variables."""
    nodes = [
        {"id": f"n-{name}", "type": 1, "data": {"serviceName": name, "config": {"image": image}}}
        for name, image in images.items()
    ]
    return {"nodes": nodes, "edges": []}


@dataclass
class Lane:
    """Moves its own clock by a second with every deployment."""

    owner: User
    project_id: UUID
    server: Server
    agent: Agent
    seconds: int = 0

    @property
    def caller(self) -> Caller:
        return caller_of(self.owner)

    @property
    def target(self) -> Target:
        return Target(kind=TargetKind.SERVER, id=self.server.id)

    def now(self) -> datetime:
        self.seconds += 1
        return later(self.seconds)

    def store_graph(self, **images: str) -> None:
        sources.store_graph(caller=self.caller, project_id=self.project_id, graph=graph_of_images(**images))

    def request(self, **fields: Any) -> DeployRequest:
        return DeployRequest(project_id=self.project_id, target=self.target, **fields)

    def ask(self, **fields: Any) -> DeploymentRecord:
        return deploy_project(caller=self.caller, request=self.request(**fields), deployment_id=uuid4(), at=self.now())

    def ask_rollback(
        self, deployment: DeploymentRecord, *, to: DeploymentRecord | None = None, request_id: str = ""
    ) -> DeploymentRecord:
        return rollback_deployment(
            caller=self.caller,
            deployment_id=deployment.id,
            target_deployment_id=to.id if to else None,
            rollback_id=uuid4(),
            request_id=request_id,
            at=self.now(),
        )

    def start(self, deployment: DeploymentRecord) -> DeploymentRecord:
        start.run_deployment(deployment_id=deployment.id, at=self.now())
        return factories.reload(deployment.id)

    def deployed(self, **fields: Any) -> DeploymentRecord:
        """Return a success: asked for, started and proven."""
        return self.succeed(self.start(self.ask(**fields)))

    def succeed(self, deployment: DeploymentRecord) -> DeploymentRecord:
        pinned = self.command(deployment)["pinned_images"]
        services = tuple(
            ServiceObserved(
                node_id=state.node_id,
                service_name=state.name,
                state="running",
                health="healthy",
                image_digest=pinned.get(state.name, f"sha256:{state.image}"),
                replicas=state.replicas,
                healthy_replicas=state.replicas,
            )
            for state in factories.reload(deployment.id).services
        )
        return self.report(deployment, CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=services))

    def fail(self, deployment: DeploymentRecord, **fields: Any) -> DeploymentRecord:
        body = CommandFinished(
            **{"outcome": CommandOutcome.FAILED, "reason": "unhealthy", "message": "web died", **fields}
        )
        return self.report(deployment, body)

    def restore(self, deployment: DeploymentRecord) -> DeploymentRecord:
        """Let the agent give up and put back what ran before."""
        self.report(deployment, RestoreStarted(reason="unhealthy", message="web died", failed_service="web"))
        fields = {"outcome": CommandOutcome.RESTORED, "previous_stack_running": True, "failed_service": "web"}
        return self.fail(deployment, **fields)

    def revert(self, deployment: DeploymentRecord, **fields: Any) -> DeploymentRecord:
        """Let the agent answer a cancel."""
        body = CommandFinished(**{"outcome": CommandOutcome.RESTORED, "previous_stack_running": True, **fields})
        return self.report(deployment, body, command_id=command_ids.revert_command_id(deployment.id))

    def report(
        self, deployment: DeploymentRecord, body: ReportBody, *, command_id: UUID | None = None, number: int = 0
    ) -> DeploymentRecord:
        command_id = command_id or command_ids.deploy_command_id(deployment.id)
        last = CommandRecord.objects.values_list("last_report_number", flat=True).get(pk=command_id)
        self.tell(deployment, body, command_id=command_id, number=number or last + 1)
        return factories.reload(deployment.id)

    def tell(self, deployment: DeploymentRecord, body: ReportBody, *, command_id: UUID, number: int) -> None:
        """Only the report: reads nothing."""
        report = Report(
            command_id=command_id,
            deployment_id=deployment.id,
            agent_id=self.agent.id,
            number=number,
            at=NOW,
            body=body,
        )
        agent_reports.apply_report(report=report, at=self.now())

    def command(self, deployment: DeploymentRecord) -> dict[str, Any]:
        """Return what the agent was ordered."""
        return dict(CommandRecord.objects.get(pk=command_ids.deploy_command_id(deployment.id)).payload)
