from django.db import migrations, models

KINDS = ["deploy", "revert", "delete_volume", "swarm"]


class Migration(migrations.Migration):
    dependencies = [("agents", "0014_certificates")]

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
