"""Rows to knock at, and how each person knocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from tests.doors.people import NOBODY, People

EXPIRED = "expired"


# Both words mean the same, so each door is knocked at with both.
SCHEMES = {"deployer": "Bearer", "stranger": "bearer", EXPIRED: "BEARER"}


@dataclass(frozen=True)
class Scene:
    """`rows` are ids by the names that the table uses in braces."""

    people: People
    rows: Mapping[str, str]
    expired_token: str

    def fill(self, value: Any) -> Any:
        """The same with the names in braces replaced."""
        if isinstance(value, str):
            for name, row in self.rows.items():
                value = value.replace(f"{{{name}}}", row)
            return value
        if isinstance(value, Mapping):
            return {key: self.fill(inner) for key, inner in value.items()}
        return value

    def token(self, who: str) -> str | None:
        return self.expired_token if who == EXPIRED else self.people.tokens.get(who)

    def api(self, who: str) -> APIClient:
        client = APIClient()
        if (token := self.token(who)) is not None:
            client.credentials(HTTP_AUTHORIZATION=f"{SCHEMES.get(who, 'Token')} {token}")
        return client

    def browser(self, who: str) -> Client:
        if who == NOBODY:
            return Client()
        browser = self.people.browser("owner" if who == EXPIRED else who)
        if who == EXPIRED:
            Session.objects.filter(session_key=browser.session.session_key).update(
                expire_date=timezone.now() - timedelta(seconds=1)
            )
        return browser


def expired_token_of(people: People) -> str:
    stored, token = AuthToken.objects.create(user=people.users["owner"])
    AuthToken.objects.filter(pk=stored.pk).update(expiry=timezone.now() - timedelta(seconds=1))
    return str(token)
