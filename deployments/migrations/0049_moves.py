from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0048_encrypt_networks"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="moves",
            field=models.JSONField(
                blank=True, help_text="Services, and the node of the cluster they go to.", null=True
            ),
        ),
    ]
