"""An index for what waits for an agent, built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deployments", "0017_awaited_agents")]

    operations = [
        AddIndexConcurrently(
            "deployment",
            models.Index(
                fields=["server_id"],
                condition=models.Q(("awaits_agent", True), ("status", "pending")),
                name="waiting_for_agent",
            ),
        )
    ]
