from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from the columns: an index is built without holding up writers only outside of a transaction."""

    atomic = False
    dependencies = [("deployments", "0007_by_status")]

    operations = [
        AddIndexConcurrently(
            model_name="deploymenthistory",
            index=models.Index(
                condition=models.Q(dropped_at__isnull=True), fields=["project_id", "target_id"], name="kept_in_lane"
            ),
        ),
    ]
