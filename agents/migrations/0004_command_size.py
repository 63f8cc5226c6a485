from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_host_inventory")]

    operations = [
        migrations.AddField(
            model_name="commandrecord",
            name="size",
            field=models.PositiveBigIntegerField(
                editable=False,
                help_text="Bytes on the wire at most; empty where nobody has counted.",
                null=True,
            ),
        ),
    ]
