from __future__ import annotations

from django.apps import AppConfig


class AxionDeployConfig(AppConfig):
    """Registered so that Django finds the commands of the processes."""

    name = "axion_deploy"
    verbose_name = "Axion Deploy"
