"""The first page of the admin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from deployments.admin import page_state
from deployments.admin.own_rows import caller_in


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the index shows; for UNFOLD["DASHBOARD_CALLBACK"]."""
    return {**context, "title": "Now", "state": page_state.dashboard(caller=caller_in(request))}
