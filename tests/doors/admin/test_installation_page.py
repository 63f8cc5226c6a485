"""The page that installs an agent over SSH: what was typed as a secret never comes back to the browser."""

from __future__ import annotations

import pytest

from agents.models import Server
from deployments.models import AgentInstallation
from tests import factories
from tests.doors.people import People

pytestmark = pytest.mark.django_db
SECRETS = {
    "password": "canary-password",
    "private_key": "canary-private-key",
    "passphrase": "canary-passphrase",
    "sudo_password": "canary-sudo",
}
GIVEN = {"host": "198.51.100.7", "port": "22", "username": "root", "gateway": "https://deploy.example:50051", **SECRETS}


@pytest.fixture
def server(people: People) -> Server:
    return factories.make_server(people.users["owner"], name="alpha")


@pytest.mark.parametrize(
    "wrong", [{"host": ""}, {"port": "70000"}, {"host_key": "no fingerprint"}, {"gateway": "ftp://x"}]
)
def test_a_refused_form_shows_no_secret_again(people: People, server: Server, wrong: dict[str, str]) -> None:
    told = people.browser("owner").post(f"/admin/agents/server/{server.pk}/install/", {**GIVEN, **wrong})
    page = told.content.decode()
    assert told.status_code == 200
    assert "errorlist" in page or "text-red" in page
    assert [secret for secret in SECRETS.values() if secret in page] == []
    assert not AgentInstallation.objects.exists()
