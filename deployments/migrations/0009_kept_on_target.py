"""An index for what history keeps on one target, built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deployments", "0008_kept_in_lane")]

    operations = [
        AddIndexConcurrently(
            "deploymenthistory",
            models.Index(condition=models.Q(dropped_at__isnull=True), fields=["target_id"], name="kept_on_target"),
        )
    ]
