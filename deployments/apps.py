from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    """Projects and their deployments."""

    name = "deployments"
    default_auto_field = "django.db.models.BigAutoField"
