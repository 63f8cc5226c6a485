"""An index for lists of one status over all projects, built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deployments", "0006_count_deployments")]

    operations = [
        AddIndexConcurrently("deployment", models.Index(fields=["status", "-created_at", "-id"], name="by_status"))
    ]
