"""What both sides compare when they meet again. New columns have defaults in the database: older processes go on."""

from django.db import migrations, models


def text(length: int) -> "models.CharField[str, str]":
    return models.CharField(blank=True, db_default="", default="", editable=False, max_length=length)


class Migration(migrations.Migration):
    dependencies = [("agents", "0005_server_privileged_allowed")]

    operations = [
        migrations.CreateModel(
            name="Ledger",
            fields=[
                ("id", models.PositiveSmallIntegerField(editable=False, primary_key=True, serialize=False)),
                ("incarnation", models.UUIDField()),
                ("since", models.DateTimeField()),
            ],
            options={
                "db_table": "agent_ledger",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_ledger")],
            },
        ),
        migrations.CreateModel(
            name="LaneFloor",
            fields=[
                ("lane", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField()),
            ],
            options={"db_table": "agent_lane_floors"},
        ),
        migrations.AddField("agent", "protocol", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
        migrations.AddField("agent", "understands", models.JSONField(db_default={}, default=dict, editable=False)),
        migrations.AddField("agent", "journal_id", text(64)),
        migrations.AddField("agent", "instance_id", text(64)),
        migrations.AddField("agent", "former_instance_id", text(64)),
        migrations.AddField("agent", "refused_instance_id", text(64)),
        migrations.AddField("agent", "instance_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField(
            "agent",
            "trouble",
            models.TextField(blank=True, db_default="", default="", help_text="What a person must look at."),
        ),
    ]
