"""Counts of deployments, kept by a trigger so that the version that runs during the migration is counted too."""

from django.db import migrations, models

COUNT = """
CREATE FUNCTION count_new_deployments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deployment_counts (project_id, status, change)
    SELECT project_id, status, count(*) FROM changed GROUP BY project_id, status;
    RETURN NULL;
END $$;
CREATE FUNCTION count_gone_deployments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deployment_counts (project_id, status, change)
    SELECT project_id, status, -count(*) FROM changed GROUP BY project_id, status;
    RETURN NULL;
END $$;
CREATE FUNCTION count_moved_deployment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deployment_counts (project_id, status, change)
    VALUES (OLD.project_id, OLD.status, -1), (NEW.project_id, NEW.status, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON deployments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_new_deployments();
CREATE TRIGGER count_gone AFTER DELETE ON deployments
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_gone_deployments();
CREATE TRIGGER count_moved AFTER UPDATE OF status ON deployments FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION count_moved_deployment();
"""
UNCOUNT = """
DROP TRIGGER count_moved ON deployments;
DROP TRIGGER count_gone ON deployments;
DROP TRIGGER count_new ON deployments;
DROP FUNCTION count_moved_deployment();
DROP FUNCTION count_gone_deployments();
DROP FUNCTION count_new_deployments();
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0004_rollback_and_history")]

    operations = [
        migrations.CreateModel(
            name="DeploymentCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("project_id", models.UUIDField()),
                ("status", models.CharField(max_length=16)),
                ("change", models.BigIntegerField()),
            ],
            options={
                "db_table": "deployment_counts",
                "indexes": [
                    models.Index(fields=["project_id", "status"], include=["change"], name="counts_of_project")
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.UUIDField()),
                ("key", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(help_text="HMAC of method, path and body.", max_length=64)),
                ("answer_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("answer", models.JSONField(blank=True, null=True)),
                ("location", models.CharField(blank=True, default="", max_length=500)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "request_keys",
                "indexes": [models.Index(fields=["created_at"], name="request_keys_by_age")],
                "constraints": [models.UniqueConstraint(fields=("user_id", "key"), name="one_meaning_per_key")],
            },
        ),
        migrations.RunSQL(COUNT, UNCOUNT),
    ]
