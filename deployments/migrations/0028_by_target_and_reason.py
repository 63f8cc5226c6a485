"""Indexes for lists of one target and of one reason, built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deployments", "0027_removed_machines")]

    operations = [
        AddIndexConcurrently("deployment", models.Index(fields=["target_id", "-created_at", "-id"], name="by_target")),
        AddIndexConcurrently(
            "deployment",
            models.Index(fields=["reason", "-created_at", "-id"], condition=~models.Q(reason=""), name="by_reason"),
        ),
    ]
