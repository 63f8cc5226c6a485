"""Whether a pending deployment waits for its server's agent. Adding a column with a default rewrites nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0016_terms_of_tokens")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="awaits_agent",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Pending until its server's agent is back.",
            ),
        ),
    ]
