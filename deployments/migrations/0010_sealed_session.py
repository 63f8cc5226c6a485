from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0009_kept_on_target")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="sealed_session",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Of who asked, for the peers; gone when it starts or ends.",
            ),
        ),
    ]
