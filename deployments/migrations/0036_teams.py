"""Roles, groups of people, links that let people in, and the audit log.

Roles of before keep their names and rights; a version of before takes the new ones for a viewer's.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0035_agent_installations"),
    ]

    operations = [
        migrations.AlterField(
            model_name="projectinvitation",
            name="role",
            field=models.CharField(
                choices=[
                    ("viewer", "Viewer"),
                    ("deployer", "Deployer"),
                    ("editor", "Editor"),
                    ("approver", "Approver"),
                ],
                default="viewer",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="projectmember",
            name="role",
            field=models.CharField(
                choices=[
                    ("viewer", "Viewer"),
                    ("deployer", "Deployer"),
                    ("editor", "Editor"),
                    ("approver", "Approver"),
                ],
                default="viewer",
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("actor_id", models.UUIDField()),
                ("actor_name", models.CharField(max_length=150)),
                ("action", models.CharField(max_length=40)),
                ("detail", models.CharField(blank=True, default="", max_length=500)),
                ("project_id", models.UUIDField(null=True)),
                ("server_id", models.UUIDField(null=True)),
                ("person_id", models.UUIDField(null=True)),
            ],
            options={
                "db_table": "audit_entries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("project_id__isnull", False)),
                        fields=["project_id", "-id"],
                        name="audit_of_project",
                    ),
                    models.Index(
                        condition=models.Q(("server_id__isnull", False)),
                        fields=["server_id", "-id"],
                        name="audit_of_server",
                    ),
                    models.Index(
                        condition=models.Q(("person_id__isnull", False)),
                        fields=["person_id", "-id"],
                        name="audit_of_person",
                    ),
                    models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
                    models.Index(fields=["at"], name="audit_by_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupPerson",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="group_places",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "people_group_members",
            },
        ),
        migrations.CreateModel(
            name="PeopleGroup",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "people",
                    models.ManyToManyField(
                        related_name="people_groups", through="deployments.GroupPerson", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "group",
                "db_table": "people_groups",
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="groupperson",
            name="group",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="places", to="deployments.peoplegroup"
            ),
        ),
        migrations.CreateModel(
            name="ProjectGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("deployer", "Deployer"),
                            ("editor", "Editor"),
                            ("approver", "Approver"),
                        ],
                        default="viewer",
                        max_length=16,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="project_roles",
                        to="deployments.peoplegroup",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="group_roles",
                        to="deployments.project",
                    ),
                ),
            ],
            options={
                "db_table": "project_groups",
            },
        ),
        migrations.CreateModel(
            name="AccessLink",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("viewer", "Viewer"),
                            ("deployer", "Deployer"),
                            ("editor", "Editor"),
                            ("approver", "Approver"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_links",
                        to="deployments.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "access_links",
                "indexes": [models.Index(fields=["expires_at"], name="access_links_by_end")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("project__isnull", True), ("user__isnull", False)),
                            models.Q(("project__isnull", False), ("user__isnull", True)),
                            _connector="OR",
                        ),
                        name="access_link_has_one_purpose",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("user__isnull", False)), fields=("user",), name="one_access_link_per_person"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="groupperson",
            constraint=models.UniqueConstraint(fields=("group", "user"), name="person_once_per_group"),
        ),
        migrations.AddConstraint(
            model_name="projectgroup",
            constraint=models.UniqueConstraint(fields=("project", "group"), name="group_once_per_project"),
        ),
        migrations.AddField("user", "deleted_at", models.DateTimeField(editable=False, null=True)),
        # What was written down stays as it was written, whoever has the product's own connection.
        migrations.RunSQL(
            sql=[
                "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'entries of the audit log are never changed'; END $$",
                "CREATE TRIGGER audit_entries_are_never_changed BEFORE UPDATE ON audit_entries "
                "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
            ],
            reverse_sql=[
                "DROP TRIGGER audit_entries_are_never_changed ON audit_entries",
                "DROP FUNCTION refuse_audit_change()",
            ],
        ),
    ]
