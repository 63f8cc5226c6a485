"""What machines and containers use: tables by time, so that what is old goes as a whole. No model: read in SQL alone."""

from __future__ import annotations

from django.db import migrations

COLUMNS = """
    at timestamptz NOT NULL,
    server_id uuid NOT NULL,
    project_id uuid,
    node_id text NOT NULL,
    service text NOT NULL,
    container text NOT NULL,
    cpu_percent real NOT NULL,
    memory_bytes bigint NOT NULL,
    memory_limit_bytes bigint NOT NULL,
    received real NOT NULL,
    sent real NOT NULL,
    read real NOT NULL,
    written real NOT NULL,
    disk_bytes bigint NOT NULL
"""


def table(name: str) -> migrations.RunSQL:
    """Make a table without any partition yet: whoever writes, and housekeeping, make those ahead."""
    return migrations.RunSQL(
        sql=[
            f"CREATE TABLE {name} ({COLUMNS}) PARTITION BY RANGE (at)",
            f"CREATE INDEX {name}_by_time ON {name} (at)",
            f"CREATE INDEX {name}_of_server ON {name} (server_id, at)",
            f"CREATE INDEX {name}_of_project ON {name} (project_id, at) WHERE project_id IS NOT NULL",
        ],
        reverse_sql=f"DROP TABLE {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("deployments", "0030_notifications")]

    operations = [table("samples"), table("minute_samples")]
