from django.db import migrations, models

KINDS = ["deploy", "revert", "delete_volume", "swarm", "check_reach"]


class Migration(migrations.Migration):
    dependencies = [("agents", "0015_swarm_commands")]

    operations = [
        migrations.RemoveConstraint(model_name="commandrecord", name="command_kind_known"),
        migrations.AlterField(
            model_name="commandrecord",
            name="kind",
            field=models.CharField(choices=[(kind, kind) for kind in KINDS], max_length=16),
        ),
        migrations.AddConstraint(
            model_name="commandrecord",
            constraint=models.CheckConstraint(condition=models.Q(("kind__in", KINDS)), name="command_kind_known"),
        ),
    ]
