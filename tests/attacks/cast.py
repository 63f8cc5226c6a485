"""Who attacks whom: alice and mallory own projects, victor and bob servers, ops is a superuser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from knox.models import AuthToken
from rest_framework.test import APIClient

from agents.models import Server
from deployments.data.sharing_types import GrantState
from deployments.models import User
from deployments.services.lifecycle import start
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.sharing import membership, server_grants
from deployments.types import Caller, DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane, graph_of_images

PEOPLE = ("alice", "mallory", "victor", "bob")


@dataclass
class Scene:
    """A project of one person, a server of another one, and everybody's way in."""

    users: dict[str, User]
    lane: Lane
    project_owner: str
    server_owner: str

    def caller(self, name: str) -> Caller:
        return caller_of(User.objects.get(pk=self.users[name].pk))

    def api(self, name: str) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user=self.users[name])[1]}")
        return client

    def post(self, name: str, path: str, **body: Any) -> Any:
        return self.api(name).post(f"/api/{path}", body, format="json")

    @property
    def where(self) -> dict[str, str]:
        return {"serverId": str(self.lane.server.id)}

    def deploy(self, name: str, **body: Any) -> Any:
        return self.post(name, "deployments", projectId=str(self.lane.project_id), **self.where, **body)

    def asked(self, name: str) -> DeploymentRecord:
        """A deployment that must be accepted."""
        answer = self.deploy(name)
        assert answer.status_code == 201, answer.json()
        return factories.reload(UUID(answer.json()["deployment"]["id"]))

    def started(self, deployment: DeploymentRecord) -> DeploymentRecord:
        """What became of it when its turn came."""
        start.run_deployment(deployment_id=deployment.id, at=self.lane.now())
        return factories.reload(deployment.id)

    def deployed(self, name: str) -> DeploymentRecord:
        """A success."""
        return self.lane.succeed(self.started(self.asked(name)))

    def join(self, name: str, *, role: str = "deployer") -> None:
        """Becomes a member by saying yes."""
        factories.add_member(factories.project_of(self.lane.project_id), self.users[name], role=role)

    def allow(self, name: str) -> GrantState:
        """Gives what is theirs to give."""
        return server_grants.allow(
            caller=self.caller(name),
            project_id=self.lane.project_id,
            server_id=self.lane.server.id,
            at=self.lane.now(),
        )

    def remove(self, name: str) -> None:
        membership.remove_member(
            caller=self.caller(self.project_owner), project_id=self.lane.project_id, name=name, at=self.lane.now()
        )

    def agreed(self) -> None:
        """The server's owner is a deployer of the project, and both owners let it run there."""
        self.join(self.server_owner)
        self.allow(self.server_owner)
        assert self.allow(self.project_owner) is GrantState.GRANTED


def make_scene(*, project_owner: str = "mallory", server_owner: str = "victor") -> Scene:
    """The project's graph has two services and has deployed nowhere yet."""
    users = {name: factories.make_user(name) for name in PEOPLE}
    users["ops"] = factories.make_user("ops", is_superuser=True, is_staff=True)
    project = sources.create_project(caller=caller_of(users[project_owner]), project_id=uuid4(), name="Shop")
    server: Server = factories.make_server(users[server_owner], name="box")
    agent = factories.make_agent(server)
    lane = Lane(owner=users[project_owner], project_id=project.id, server=server, agent=agent)
    sources.store_graph(caller=lane.caller, project_id=project.id, graph=graph_of_images(web="web:1", db="db:1"))
    return Scene(users=users, lane=lane, project_owner=project_owner, server_owner=server_owner)
