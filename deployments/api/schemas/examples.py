"""Examples in the OpenAPI document: one small project, from its graph to its deployment."""

from __future__ import annotations

from deployments.api.schemas.openapi import request_example, response_example

PROJECT_ID = "0b8f7c1e-6f0a-4f5e-9d57-0c7c52f0a001"
SERVER_ID = "5d0b1c9e-2f5b-4f6a-8a43-3a7f7b1d0002"

GRAPH = request_example(
    "A service and its database",
    {
        "nodes": [
            {"id": "shop", "type": 1, "data": {"serviceName": "shop", "config": {"port": "8000", "replicas": "2"}}},
            {"id": "db", "type": 2, "data": {"serviceName": "db", "config": {"databaseType": "postgresql"}}},
        ],
        "edges": [{"id": "e1", "source": "shop", "target": "db", "type": 3}],
    },
)
PROJECT = request_example("A project", {"name": "Shop", "concurrency": "queue", "healthDeadline": 60})
SERVER = request_example("A server", {"name": "box-1", "host": "203.0.113.7"})
DEPLOY = request_example(
    "To a server",
    {"projectId": PROJECT_ID, "serverId": SERVER_ID, "envVars": {"GREETING": "hello"}, "forceRedeploy": False},
)
STATUS = response_example(
    "On its way",
    {
        "status": 1,
        "data": {
            "status": 2,
            "serviceStatuses": [],
            "currentStage": 3,
            "progressPercent": 60,
            "reason": "",
            "errorMessage": "",
        },
    },
)
DEPLOYED = response_example(
    "Accepted",
    {
        "status": 1,
        "deployment": {
            "id": "9c1f4c2e-77aa-4a53-9a54-1a9e31000003",
            "projectId": PROJECT_ID,
            "serverId": SERVER_ID,
            "status": 1,
            "kind": "deploy",
            "requestedBy": "alice",
            "serviceStatuses": [],
            "envVars": {"GREETING": "***"},
            "config": {"dockerComposeYml": "", "dockerfiles": {}, "dockerImages": {}, "serviceDependencies": []},
            "currentStage": 0,
            "progressPercent": 0,
            "reason": "",
            "errorMessage": "",
            "failedService": "",
            "logTail": [],
            "version": "",
            "description": "",
            "graphVersion": 1,
            "forceRedeploy": False,
            "lastSequence": 1,
            "cancelRequestedAt": 0,
            "cancelConfirmedAt": 0,
            "rollbackOf": "",
            "rolledBackBy": "",
            "cause": "",
            "startedAt": 0,
            "completedAt": 0,
            "createdAt": 1893499200000,
            "updatedAt": 1893499200000,
        },
    },
    status=201,
)
