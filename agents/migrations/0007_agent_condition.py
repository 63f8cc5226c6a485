from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0006_settling")]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="condition",
            field=models.JSONField(
                editable=False, help_text="How the agent itself fares; empty until it said so.", null=True
            ),
        ),
        migrations.AddField(
            model_name="agent",
            name="condition_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
