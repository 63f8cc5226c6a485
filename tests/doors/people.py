"""Everyone who may knock, from the one who may do all to the one who is nobody."""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client
from rest_framework.test import APIClient

from deployments.models import User

NOBODY = "nobody"
# The approver is one by a group, the others by themselves.
NAMES = ("owner", "approver", "editor", "deployer", "viewer", "stranger")


@dataclass(frozen=True)
class People:
    users: dict[str, User]
    tokens: dict[str, str]

    def api(self, name: str) -> APIClient:
        """A REST client with this person's token; without one for nobody."""
        client = APIClient()
        if name != NOBODY:
            client.credentials(HTTP_AUTHORIZATION=f"Token {self.tokens[name]}")
        return client

    def browser(self, name: str) -> Client:
        """A browser in which this person is signed in."""
        client = Client(enforce_csrf_checks=False)
        if name != NOBODY:
            client.force_login(self.users[name])
        return client
