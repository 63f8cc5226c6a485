"""What the pages say of a server's fields. Changes no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0011_delete_volume")]

    operations = [
        migrations.AlterField(
            "server",
            "host",
            models.CharField(
                max_length=255,
                blank=True,
                help_text="Host name or address at which people open applications on this server; used for links only.",
            ),
        ),
        migrations.AlterField(
            "server",
            "privileged_allowed",
            models.BooleanField(
                "Allow privileged services",
                default=False,
                db_default=False,
                help_text="Services here may use paths, devices and further rights of the host, which is as good as "
                "root on this machine. Leave it off where other people's projects run.",
            ),
        ),
    ]
