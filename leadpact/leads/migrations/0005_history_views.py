"""What leads publishes for history: views by name and version, and since when a person's account is known."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

import leadpact.kit.instants

# A person whose account was found at once was known to belong to it from the beginning.
FILL = "UPDATE leads_person SET account_known_at = created_at WHERE account_id IS NOT NULL"

# Only columns that history reads: no names, no raw words. A changed meaning is a new view, *_v2; readers of _v1 stay right.
VIEWS = """
CREATE VIEW leads_touch_v1 AS
SELECT id, visitor_id, kind, at, known_at, void_at, channel, campaign, cells FROM leads_touch;
COMMENT ON VIEW leads_touch_v1 IS 'Touches as they came, by trail; whose a trail is stands in leads_tie_v1.';

CREATE VIEW leads_void_v1 AS SELECT id, touch_id, cause, known_at FROM leads_touchvoid;
COMMENT ON VIEW leads_void_v1 IS 'Touches that were withdrawn or found to be a machine''s, and since when that is known.';

CREATE VIEW leads_fact_v1 AS
SELECT id, subject, subject_id, field, cell ->> 't' AS t, (cell ->> 'n')::bigint AS n, (cell ->> 'b')::boolean AS b,
       COALESCE(cell ->> 'w', ' ' || (cell ->> 't') || ' ') AS w, at, known_at
FROM leads_attributefact;
COMMENT ON VIEW leads_fact_v1 IS 'Every value that an attribute had: text, number in millionths, boolean, words.';

CREATE VIEW leads_tie_v1 AS
SELECT id AS visitor_id, person_id, tied_at, tied_known_at FROM leads_visitor WHERE person_id IS NOT NULL;
COMMENT ON VIEW leads_tie_v1 IS 'Whose a trail is, and since when that is known.';

CREATE VIEW leads_person_v1 AS SELECT id AS person_id, account_id, account_known_at, created_at FROM leads_person;
COMMENT ON VIEW leads_person_v1 IS 'People and their accounts, and since when that is known.';

CREATE VIEW leads_lead_v1 AS
SELECT id AS lead_id, person_id, created_at, counts_from, sourced_by, source, campaign FROM leads_lead;
COMMENT ON VIEW leads_lead_v1 IS 'Leads: whose, since when, and from which instant on touches count.';
"""
WITHOUT = "; ".join(f"DROP VIEW leads_{name}_v1" for name in ("touch", "void", "fact", "tie", "person", "lead"))


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0004_erasure")]

    operations: ClassVar[list[Operation]] = [
        migrations.AddField(
            "person",
            "account_known_at",
            leadpact.kit.instants.InstantField(null=True, help_text="Since when we know it."),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(VIEWS, WITHOUT),
    ]
