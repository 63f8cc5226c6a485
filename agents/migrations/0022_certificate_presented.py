from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0021_builds_and_registries"),
    ]

    operations = [
        migrations.AddField(
            model_name="agentcertificate",
            name="presented_at",
            field=models.DateTimeField(null=True),
        ),
    ]
