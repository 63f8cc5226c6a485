"""What a new server's page tells: the command to start its agent, under the name that the browser reaches us by."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from agents.addresses import host_of
from agents.admin import install
from agents.admin.hints import shares_name, start_command
from agents.models import Server
from agents.pki.tickets import PLAIN, parse_ticket
from agents.services import authority, enrolment
from tests.factories import NOW


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reached", "published", "said", "remark"),
    [
        ("localhost:8000", "127.0.0.1", ".plain.localhost:50051", "is this machine alone"),
        ("[::1]:8000", "127.0.0.1", ".plain.[::1]:50051", "is this machine alone"),
        ("deploy.example", "127.0.0.1", ".plain.deploy.example:50051", "serves its own machine alone"),
        ("deploy.example", "", ".deploy.example:50051", ""),
        ("10.0.0.7:8000", "0.0.0.0", ".10.0.0.7:50051", ""),
    ],
)
def test_the_token_says_where_the_gateway_is_and_how_it_is_known(
    settings: Any, server: Server, reached: str, published: str, said: str, remark: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.AXION_GATEWAY_BIND, settings.AXION_GATEWAY_PUBLISH = "0.0.0.0:50051", published
    request = RequestFactory(HTTP_HOST=reached).get("/")
    token = enrolment.create_token(
        server_id=server.id, owner_id=server.owner_id, reached_by=host_of(request.get_host())
    ).token
    assert token.endswith(said)
    ticket = parse_ticket(token)
    assert ticket.pin == (authority.pin(now=NOW) if ".plain." not in said else PLAIN)
    remarks = install.remarks(request)[1:]
    assert bool(remarks) is bool(remark)
    assert all(remark in each for each in remarks)
    assert "'" in start_command(token=token) or "[" not in token
    assert start_command(token=token).count("AXION_AGENT__") == 1


@pytest.mark.parametrize(
    ("reached", "host", "shared"),
    [
        ("deploy.example:8000", "Deploy.example", True),
        ("deploy.example", "apps.example", False),
        ("[::1]", "::1", True),
        ("[::1]:8000", "::1", True),
        ("deploy.example", "", False),
    ],
)
def test_a_page_and_an_application_share_a_name_whatever_the_port(
    settings: Any, reached: str, host: str, shared: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert shares_name(host, request=RequestFactory(HTTP_HOST=reached).get("/")) is shared
