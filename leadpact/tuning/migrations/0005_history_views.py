"""What tuning publishes for history: the frames of audits, and who was drawn with what came of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

# A stratum and its members never change after the draw, so a row of the view is exported once.
VIEWS = """
CREATE VIEW tuning_stratum_v1 AS
SELECT s.id, (extract(epoch FROM f.week) * 1000000)::bigint AS week, f.frozen_at, s.name AS stratum, s.size, s.drawn,
       (SELECT string_agg(m.lead_id::text, ',' ORDER BY m.lead_id) FROM tuning_member AS m WHERE m.stratum_id = s.id) AS leads
FROM tuning_stratum AS s JOIN tuning_frame AS f ON f.id = s.frame_id;
COMMENT ON VIEW tuning_stratum_v1 IS 'Strata of the weekly frames of blind audits, with the numbers of the leads in them.';

CREATE VIEW tuning_audit_v1 AS
SELECT a.lead_id, (extract(epoch FROM f.week) * 1000000)::bigint AS week, a.probability_n, a.probability_of,
       a.released_at, a.answered_at, a.answer, a.caught
FROM tuning_audit AS a JOIN tuning_stratum AS s ON s.id = a.stratum_id JOIN tuning_frame AS f ON f.id = s.frame_id;
COMMENT ON VIEW tuning_audit_v1 IS 'Drawn leads: with what probability, when they went to Sales, and what the answer counts as.';
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("tuning", "0004_reviews")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(VIEWS, "DROP VIEW tuning_audit_v1; DROP VIEW tuning_stratum_v1"),
    ]
