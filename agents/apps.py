from __future__ import annotations

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """Servers, clusters and the agents on them."""

    name = "agents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # It needs the settings' languages, which are there by now.
        from agents.wording.field_names import name_models

        name_models(self)
