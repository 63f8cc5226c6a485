"""A project and a server of alice that the peers know, and what tests do with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from agents.models import Agent, Server
from deployments.services.lifecycle import start
from deployments.services.requests.deploy import deploy_project
from deployments.types import Caller, DeploymentRecord, DeployRequest, Target, TargetKind
from tests import factories
from tests.contract.peers.world import World
from tests.factories import later

TOKEN = "session-of-alice-canary"
PROJECT, SERVER, CLUSTER = uuid4(), uuid4(), uuid4()
ON_SERVER = Target(kind=TargetKind.SERVER, id=SERVER)
ON_CLUSTER = Target(kind=TargetKind.CLUSTER, id=CLUSTER)
GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "n-web", "type": 1, "data": {"serviceName": "web", "blueprintId": "any", "config": {"port": "8080"}}},
        {"id": "n-proxy", "type": 1, "data": {"serviceName": "proxy", "config": {"image": "caddy:2"}}},
    ],
    "edges": [{"id": "e", "source": "n-proxy", "target": "n-web", "type": 2}],
}
RESULT = {"serviceId": "s", "nodeId": "n-web", "serviceName": "web", "status": 3, "generatedCodePath": "shop/web"}
Be = Callable[..., None]


@pytest.fixture
def alice(db: None) -> Caller:
    user = factories.make_user("alice")
    return Caller(user_id=user.pk, name="alice", session_token=TOKEN)


@pytest.fixture
def code(tmp_path: Path, settings: Settings) -> Path:
    """The shared folder with the code of one service."""
    settings.AXION_CODE_FOLDER = str(tmp_path / "code")
    web = tmp_path / "code" / "shop" / "web"
    web.mkdir(parents=True)
    (web / "Dockerfile").write_text("FROM caddy:2\n")
    return tmp_path / "code"


@pytest.fixture
def be(world: World, alice: Caller, code: Path) -> Be:
    """The peers know alice's project and server; keywords change what they know."""

    def change(**members: Any) -> None:
        owner = str(alice.user_id)
        known: dict[str, Any] = {
            "guarded": True,
            "sessions": {TOKEN: owner},
            "projects": {str(PROJECT): {"id": str(PROJECT), "userId": owner, "name": "Shop", "graphVersion": 1}},
            "servers": {str(SERVER): {"id": str(SERVER), "userId": owner, "name": "box", "host": "box.example"}},
            "graphs": {str(PROJECT): GRAPH},
            "results": {str(PROJECT): [RESULT]},
        }
        world.be(**{**known, **members})

    change()
    return change


def ask_for(caller: Caller, *, target: Target = ON_SERVER, after: float = 0, **fields: Any) -> DeploymentRecord:
    request = DeployRequest(project_id=PROJECT, target=target, **fields)
    return deploy_project(caller=caller, request=request, deployment_id=uuid4(), at=later(after))


def enrol(server_id: UUID = SERVER) -> Agent:
    return factories.make_agent(Server.objects.get(pk=server_id))


def run(deployment: DeploymentRecord, *, at: float = 1) -> DeploymentRecord:
    start.run_deployment(deployment_id=deployment.id, at=later(at))
    return factories.reload(deployment.id)
