"""Who asks too often is told when to come back."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

import time
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from deployments import addresses
from deployments.limits import rate_limit


class UserRate(BaseThrottle):
    """Requests of one user, at all doors of REST together."""

    what: ClassVar[str] = "rest"
    setting: ClassVar[str] = "AXION_RATE_LIMIT"
    seconds = 0

    def who(self, request: Request) -> str:
        # Nobody has signed in at an open door: then it is the address that counts.
        return str(request.user.pk) if request.user else addresses.key_in(request)

    def allow_request(self, request: Request, view: Any) -> bool:
        self.seconds = rate_limit.hit(
            what=self.what, who=self.who(request), rate=getattr(settings, self.setting), now=time.time()
        )
        return self.seconds == 0

    def wait(self) -> float:
        return self.seconds


class TokenRate(UserRate):
    """New tokens of one user."""

    what = "tokens"
    setting = "AXION_RATE_TOKENS"


class RefusedRate(UserRate):
    """Requests of one address that nobody could be recognised in."""

    what = "refused"
    setting = "AXION_RATE_ANONYMOUS"

    def who(self, request: Request) -> str:
        return addresses.key_in(request)
