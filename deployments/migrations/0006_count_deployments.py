"""Count what is there. Writers wait while it counts (well under a second per million rows), so nothing counts twice."""

from django.db import migrations

COUNT = """
SET LOCAL lock_timeout = '60s';
LOCK TABLE deployments IN SHARE ROW EXCLUSIVE MODE;
DELETE FROM deployment_counts;
INSERT INTO deployment_counts (project_id, status, change)
SELECT project_id, status, count(*) FROM deployments GROUP BY project_id, status;
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0005_bookkeeping")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
