"""What a new server's page tells: the command to start its agent, under the name that the browser reaches us by."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import RequestFactory

from agents.admin.hints import PLAIN_TEXT, shares_name, start_command


@pytest.mark.parametrize(
    ("reached", "host", "in_the_clear"),
    [
        ("localhost:8000", "localhost", False),
        ("127.0.0.2", "127.0.0.2", False),
        ("[::1]", "[::1]", False),
        ("[::1]:8000", "[::1]", False),
        ("deploy.example", "deploy.example", True),
        ("10.0.0.7:8000", "10.0.0.7", True),
    ],
)
def test_the_command_names_the_gateway_and_warns_where_an_agent_would_refuse_it(
    settings: Any, reached: str, host: str, in_the_clear: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.AXION_GATEWAY_TLS_CERT = ""
    settings.AXION_GATEWAY_BIND = "0.0.0.0:50051"
    command = start_command(request=RequestFactory(HTTP_HOST=reached).get("/"), server_id=uuid4(), token="t")
    assert f"GRPC_URL=http://{host}:50051" in command
    assert (PLAIN_TEXT in command) is in_the_clear


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
