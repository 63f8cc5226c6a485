"""What a token's scope and a session's age allow, asked once for every operation of REST."""

from __future__ import annotations

import time
from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from deployments.errors import Forbidden
from deployments.scopes import Scope, TokenRecord
from deployments.services.permissions import freshness

CONFIRM = "/admin/confirm/"


class WithinScope(BasePermission):
    """Reading needs `read`, everything else what the view `needs`; a session may do all that its user may."""

    def has_permission(self, request: Request, view: Any) -> bool:
        token = request.auth
        if not isinstance(token, TokenRecord):
            return True
        needed = Scope.READ if request.method in SAFE_METHODS else getattr(view, "needs", Scope.ALL)
        if not token.scope.allows(needed):
            raise Forbidden(token.scope.refusal)
        return True


class FreshSession(BasePermission):
    """The view's `fresh` methods take a session whose password was given a short while ago."""

    def has_permission(self, request: Request, view: Any) -> bool:
        by_token = isinstance(request.auth, TokenRecord)
        if by_token or request.method not in getattr(view, "fresh", ()):
            return True
        if not freshness.is_fresh(request.session, now=time.time()):
            raise Forbidden(f"Enter your password again first, at {CONFIRM}.")
        return True
