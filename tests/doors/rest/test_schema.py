"""The OpenAPI document: it is there, it is whole, and whatever it allows to be asked is answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django.fixtures import Settings
from schemathesis import APIOperation, Case, SerializationContext
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agents.models import Agent, Server
from deployments.api.urls import urlpatterns
from deployments.models import Deployment, Project
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from tests.doors.people import People
from tests.doors.rest.test_rest import GRAPH

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 6
# Neither the document itself nor what catches all other addresses.
NOT_DESCRIBED = {"schema/", "docs/", ""}


@schemathesis.serializer("application/x-tar")
def _as_it_is(_: SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application())
# The library's own way to make tests of them gives all the same name, of which side by side one would be run.
OPERATIONS = [each.ok() for each in schema.get_all_operations()]  # type: ignore[union-attr]  # one in error ends it here


@pytest.fixture
def known(
    people: People, project: Project, server: Server, agent: Agent, deployment: Deployment, settings: Settings
) -> Iterator[dict[str, UUID]]:
    """Rows for the document's path parameters, and a graph and a rate that let requests get far.

    Requests live in the test's transaction: a request's end must not close its connection.
    """
    settings.AXION_RATE_LIMIT = "1000000/min"
    sources.store_graph(caller=caller_of(people.users["owner"]), project_id=project.id, graph=GRAPH)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"project_id": project.id, "server_id": server.id, "agent_id": agent.id, "deployment_id": deployment.id}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def aim(case: Case[Any], known: dict[str, UUID]) -> None:
    """Half of the time at rows that are there, in the path as in the body."""
    places: list[Any] = [case.path_parameters, case.body, case.query]
    for place in places:
        if not isinstance(place, dict):
            continue
        for name, row in known.items():
            camel = name.replace("_id", "Id")
            for key in (name, camel):
                if key in place and crc32(str(place[key]).encode("utf-8", "replace")) % 2:
                    place[key] = str(row)


@pytest.mark.parametrize("operation", OPERATIONS, ids=[each.label for each in OPERATIONS])
def test_answers_are_as_the_document_says(
    operation: APIOperation[Any, Any, Any, Any], people: People, known: dict[str, UUID]
) -> None:
    headers = {"Authorization": f"Token {people.tokens['owner']}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy())
    def ask(case: Case[Any]) -> None:
        aim(case, known)
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()


def test_every_endpoint_is_in_the_document() -> None:
    described = {path.lstrip("/") for path in schema.raw_schema["paths"]}
    there = {
        "api/"
        + str(pattern.pattern).replace("<uuid:", "{").replace("<str:", "{").replace("<int:", "{").replace(">", "}")
        for pattern in urlpatterns
        if str(pattern.pattern) not in NOT_DESCRIBED
    }
    assert described == there
    assert get_resolver().resolve("/api/schema/")


def test_the_document_and_its_page_are_open_and_need_nobody_else(db: None) -> None:
    nobody = Client()
    assert nobody.get("/api/schema/").json()["openapi"].startswith("3.")
    page = nobody.get("/api/docs/").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert "https://" not in page.replace("https://www.w3.org", "")
    assert "//cdn" not in page
    script = next(part for part in page.split('"') if part.endswith("swagger-ui-bundle.js"))
    file = nobody.get(script)
    assert (file.status_code, len(file.getvalue()) > 100_000) == (200, True)
    file.close()


def test_the_document_tells_how_to_sign_in_and_what_errors_look_like() -> None:
    components = schema.raw_schema["components"]
    schemes = {scheme["type"]: scheme for scheme in components["securitySchemes"].values()}
    assert (set(schemes), schemes["http"]["scheme"]) == ({"apiKey", "http"}, "bearer")
    assert {"knoxApiToken", "cookieAuth"} == set(components["securitySchemes"])
    for path in schema.raw_schema["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                assert "application/problem+json" in operation["responses"]["404"]["content"]


def test_the_document_names_every_member_of_a_shape(
    people: People, project: Project, server: Server, agent: Agent, deployment: Deployment
) -> None:
    api = people.api("owner")
    found = api.get(f"/api/deployments/{deployment.id}").json()["deployment"]
    shapes = {
        "DeploymentOut": {**found, "clusterId": ""},
        "ServiceOut": found["serviceStatuses"][0],
        "StatusOut": api.get(f"/api/deployments/{deployment.id}/status").json()["data"],
        "ProjectOut": api.get("/api/projects").json()["data"]["projects"][0],
        "ServerOut": api.get(f"/api/servers/{server.id}").json()["server"],
        "AgentOut": api.get(f"/api/agents/{agent.id}").json()["agent"],
        "CursorOut": api.get("/api/deployments").json()["data"]["pagination"],
    }
    described = schema.raw_schema["components"]["schemas"]
    for name, shape in shapes.items():
        document = next(described[each] for each in (name, name.removesuffix("Out")) if each in described)
        assert set(document["properties"]) == set(shape), name
