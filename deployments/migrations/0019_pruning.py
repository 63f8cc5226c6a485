"""When parts of an ended deployment were forgotten. Adding columns without a value rewrites nothing."""

from django.db import migrations, models

MARKERS = {
    "values_wiped_at": "When its values were forgotten.",
    "logs_pruned_at": "When its log lines were forgotten.",
    "pruned_at": "When its events and files were forgotten.",
}


class Migration(migrations.Migration):
    dependencies = [("deployments", "0018_waiting_for_agent")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name=name,
            field=models.DateTimeField(editable=False, help_text=text, null=True),
        )
        for name, text in MARKERS.items()
    ]
