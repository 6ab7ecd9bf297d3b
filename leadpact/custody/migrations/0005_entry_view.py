"""The published view of the ledger: codes and instants, no words. Versioned by its name."""

from django.db import migrations

FORWARD = """
CREATE VIEW custody_entry_v1 AS
SELECT id, lead_id, seq, at, move, holder, state, actor, user_id, agreement, reason, verdict, cause, cause_touch, cause_seq,
       salesperson_id, due, due_what, not_before, value, alternatives, encode(hash, 'hex') AS hash
FROM custody_entry;
COMMENT ON VIEW custody_entry_v1 IS 'The ledger without words, for history.';
"""


class Migration(migrations.Migration):
    dependencies = [("custody", "0004_unmerged_to_where_it_was")]
    operations = [migrations.RunSQL(FORWARD, "DROP VIEW custody_entry_v1")]
