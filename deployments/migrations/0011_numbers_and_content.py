"""Numbers that say what came before what, and a name for what a history entry makes run. Earlier rows have none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0010_sealed_session")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="start_number",
            field=models.PositiveIntegerField(
                editable=False, help_text="Rises per project and target with each start.", null=True
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="base_number",
            field=models.PositiveIntegerField(
                editable=False,
                help_text="The newest history number of its lane when it started; 0 for none.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="deploymenthistory",
            name="content_key",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Names what ran, by content.",
                max_length=64,
            ),
        ),
    ]
