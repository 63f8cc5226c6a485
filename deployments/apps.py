"""The Django application."""

from __future__ import annotations

import time
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class DeploymentsConfig(AppConfig):
    """Projects and their deployments."""

    name = "deployments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # It needs the settings' languages, which are there by now.
        from agents.wording.field_names import name_models

        name_models(self)
        user_logged_in.connect(_password_was_given, dispatch_uid="deployments.password_given")


def _password_was_given(request: Any, **_: Any) -> None:
    """Whoever signs in has just given their password."""
    # Needs the models that are loaded by now.
    from deployments.services.permissions import freshness

    freshness.mark(request.session, now=time.time())
