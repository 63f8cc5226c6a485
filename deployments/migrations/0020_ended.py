"""Indexes for what housekeeping looks for, built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

INDEXES = {
    "ended_with_values": "values_wiped_at",
    "ended_with_logs": "logs_pruned_at",
    "ended_with_details": "pruned_at",
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deployments", "0019_pruning")]

    operations = [
        AddIndexConcurrently(
            "deployment",
            models.Index(fields=["completed_at"], condition=models.Q((f"{marker}__isnull", True)), name=name),
        )
        for name, marker in INDEXES.items()
    ]
