from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_gateway_presence")]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="missing_images",
            field=models.JSONField(
                editable=False,
                help_text="Ids that history needs and the host lacks; empty until it was looked at.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="agent",
            name="inventory_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
