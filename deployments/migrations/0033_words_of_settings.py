"""What the pages say of a project's settings and of its members' roles. Changes no table."""

from django.db import migrations, models

ROLES = [("viewer", "Viewer"), ("deployer", "Deployer")]


class Migration(migrations.Migration):
    dependencies = [("deployments", "0032_project_deletions")]

    operations = [
        migrations.AlterField(
            "project",
            "concurrency",
            models.CharField(
                choices=[("queue", "Queue"), ("supersede", "Replace queued deployments")],
                default="queue",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            "project",
            "restore_on_failure",
            models.BooleanField(default=True, help_text="Restore the previous version when a deployment fails."),
        ),
        migrations.AlterField(
            "project",
            "health_deadline",
            models.PositiveIntegerField(default=120, help_text="Seconds that a service may take to become healthy."),
        ),
        migrations.AlterField(
            "project",
            "health_window",
            models.PositiveIntegerField(
                default=3,
                help_text="Seconds that every container must stay healthy before the deployment succeeds.",
            ),
        ),
        migrations.AlterField(
            "project",
            "retention",
            models.PositiveIntegerField(
                default=10, help_text="Number of successful deployments per target that can be restored."
            ),
        ),
        migrations.AlterField(
            "project",
            "automatic_repair",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="Automatically repair services that are changed on the server.",
            ),
        ),
        migrations.AlterField(
            "project",
            "repairs_per_hour",
            models.PositiveSmallIntegerField(
                db_default=3,
                default=3,
                help_text="Automatic repairs within an hour, after which they stop and you are told.",
            ),
        ),
        migrations.AlterField(
            "project",
            "soak_minutes",
            models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Roll back a deployment that degrades by itself within this many minutes; 0 for never.",
            ),
        ),
        migrations.AlterField(
            "projectmember", "role", models.CharField(choices=ROLES, default="viewer", max_length=16)
        ),
        migrations.AlterField(
            "projectinvitation", "role", models.CharField(choices=ROLES, default="viewer", max_length=16)
        ),
    ]
