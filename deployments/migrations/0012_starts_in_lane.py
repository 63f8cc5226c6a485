"""An index for the newest start of a lane, built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deployments", "0011_numbers_and_content")]

    operations = [
        AddIndexConcurrently(
            "deployment",
            models.Index(
                fields=["project", "target_id", "-start_number"],
                condition=models.Q(("start_number__isnull", False)),
                name="starts_in_lane",
            ),
        )
    ]
