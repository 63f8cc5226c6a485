from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from the column: an index is built without holding up those who write only outside of a transaction."""

    atomic = False
    dependencies = [("deployments", "0002_event_streamed_at")]

    operations = [
        AddIndexConcurrently(
            model_name="deploymentevent",
            index=models.Index(
                condition=models.Q(streamed_at__isnull=True), fields=["position"], name="unstreamed_events"
            ),
        ),
    ]
