from __future__ import annotations

from django.apps import AppConfig


class AxionDeployConfig(AppConfig):
    """Registered so that Django finds the commands of the processes; tells `agents` how keys are sealed."""

    name = "axion_deploy"
    verbose_name = "Axion Deploy"

    def ready(self) -> None:
        # Needs the models that are loaded by now. `agents` imports nothing of `deployments`, so it is told here.
        from agents.services import authority
        from deployments.services.secrets.sealing import AuthorityKeySeal

        authority.seal_keys_with(AuthorityKeySeal())
