"""The published view of signed versions. Versioned by its name."""

from django.db import migrations

FORWARD = """
CREATE VIEW agreement_version_v1 AS
SELECT hash, number, name, convert_from(canonical, 'UTF8') AS canonical, effective_at, superseded_at
FROM agreement_version WHERE status = 'signed';
COMMENT ON VIEW agreement_version_v1 IS 'What was signed, and from when to when it decided; for history.';
"""


class Migration(migrations.Migration):
    dependencies = [("agreement", "0002_signed_stays")]
    operations = [migrations.RunSQL(FORWARD, "DROP VIEW agreement_version_v1")]
