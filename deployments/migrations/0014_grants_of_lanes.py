"""Grants for what runs already, where both owners have shown that they want it; everybody else has to agree anew.

Both halves where the project and the server are one person's. Where they are not: the server's half when its owner,
still a deployer of the project, asked for a deployment there; the project's half when its owner did, too.
"""

from typing import Any

from django.db import migrations

LANES = """
INSERT INTO target_grants (id, project_id, server_id, created_at, ended_because,
                           project_side_by_id, project_side_at, server_side_by_id, server_side_at)
SELECT gen_random_uuid(), used.project_id, used.server_id, now(), '',
       CASE WHEN used.by_project THEN used.project_owner END, CASE WHEN used.by_project THEN now() END,
       CASE WHEN used.by_server THEN used.server_owner END, CASE WHEN used.by_server THEN now() END
FROM (
    SELECT d.project_id, d.server_id, p.owner_id AS project_owner, s.owner_id AS server_owner,
           p.owner_id = s.owner_id OR bool_or(d.requested_by_id = p.owner_id) AS by_project,
           p.owner_id = s.owner_id OR (
               bool_or(d.requested_by_id = s.owner_id) AND EXISTS (
                   SELECT FROM project_members m
                   WHERE m.project_id = d.project_id AND m.user_id = s.owner_id AND m.role = 'deployer'
               )
           ) AS by_server
    FROM deployments d
    JOIN projects p ON p.id = d.project_id
    JOIN servers s ON s.id = d.server_id
    WHERE d.kind = 'deploy' AND (d.started_at IS NOT NULL OR d.status = 'pending')
    GROUP BY d.project_id, d.server_id, p.owner_id, s.owner_id
) used
WHERE used.by_server
ON CONFLICT DO NOTHING
"""


def grant(apps: Any, schema_editor: Any) -> None:
    """Read only once: an installation has far fewer lanes than deployments."""
    del apps
    schema_editor.execute(LANES)


class Migration(migrations.Migration):
    dependencies = [("deployments", "0013_grants_and_invitations"), ("agents", "0005_server_privileged_allowed")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
