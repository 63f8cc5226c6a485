"""What ends an enrolment token beside its use and its time. Safe beside older versions: they leave the columns out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0007_agent_condition")]

    operations = [
        migrations.AddField("enrolmenttoken", "server_owner_id", models.UUIDField(null=True)),
        migrations.AddField(
            "enrolmenttoken",
            "may_replace",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="It admits an agent in place of one that is connected.",
            ),
        ),
        migrations.AddField(
            "enrolmenttoken", "replaced_live_agent", models.BooleanField(db_default=False, default=False)
        ),
    ]
