from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="deploymentevent",
            name="streamed_at",
            field=models.DateTimeField(blank=True, help_text="Out to Kafka.", null=True),
        ),
        migrations.AlterField(
            model_name="deploymentevent",
            name="published_at",
            field=models.DateTimeField(blank=True, help_text="Out to the browsers.", null=True),
        ),
    ]
