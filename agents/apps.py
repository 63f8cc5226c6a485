from __future__ import annotations

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """Servers, clusters and the agents on them."""

    name = "agents"
    default_auto_field = "django.db.models.BigAutoField"
