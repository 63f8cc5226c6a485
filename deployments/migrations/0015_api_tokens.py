"""What a person says of an API token. The rows themselves are filled by the next migration."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0014_grants_of_lanes"),
        ("knox", "0009_extend_authtoken_field"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("scope", models.CharField(max_length=10)),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "token",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="terms",
                        to="knox.authtoken",
                    ),
                ),
            ],
            options={"db_table": "api_tokens", "verbose_name": "API token"},
        ),
    ]
