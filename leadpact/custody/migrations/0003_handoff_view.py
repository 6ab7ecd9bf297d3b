"""The published view of hand-offs: one row for each hand-over, with how Sales answered it. Versioned by its name."""

from django.db import migrations

# answer: Sales' first final word before the next hand-over of the lead that was not corrected afterwards; an opportunity or
# a win without a separate "qualified" counts as qualified, a disqualification by Sales as a rejection.
FORWARD = """
CREATE VIEW custody_handoff_v1 AS
WITH handed AS (
    SELECT lead_id, seq, at, cause, agreement, salesperson_id, actor,
           lead(seq) OVER (PARTITION BY lead_id ORDER BY seq) AS next_seq
    FROM custody_entry WHERE move = 'handed_over'
)
SELECT h.lead_id, h.seq, h.at, h.cause, h.agreement,
       COALESCE(a.user_id, h.salesperson_id) AS salesperson_id, a.at AS accepted_at,
       f.at AS followed_up_at, COALESCE(n.attempts, 0) AS attempts, COALESCE(n.recalled, 0) AS recalled,
       CASE WHEN w.move IN ('qualified', 'opportunity_opened', 'won') THEN 'qualified'
            WHEN w.move IN ('rejected', 'disqualified') THEN 'rejected'
            WHEN w.move = 'recycled' THEN 'recycled' END AS answer,
       w.reason, w.at AS answered_at, w.user_id AS answered_by
FROM handed AS h
LEFT JOIN LATERAL (
    SELECT e.at, e.user_id FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > h.seq
    AND (h.next_seq IS NULL OR e.seq < h.next_seq) AND e.move = 'accepted' ORDER BY e.seq LIMIT 1
) AS a ON TRUE
LEFT JOIN LATERAL (
    SELECT e.at FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > h.seq
    AND (h.next_seq IS NULL OR e.seq < h.next_seq) AND e.move = 'followed_up' ORDER BY e.seq LIMIT 1
) AS f ON TRUE
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE e.move = 'followed_up') AS attempts, count(*) FILTER (WHERE e.move = 'recalled') AS recalled
    FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > h.seq
    AND (h.next_seq IS NULL OR e.seq < h.next_seq) AND e.move IN ('followed_up', 'recalled')
) AS n ON TRUE
LEFT JOIN LATERAL (
    SELECT e.move, e.reason, e.at, e.user_id FROM custody_entry AS e WHERE e.lead_id = h.lead_id AND e.seq > h.seq
    AND (h.next_seq IS NULL OR e.seq < h.next_seq) AND e.actor <> 'system'
    AND e.move IN ('qualified', 'opportunity_opened', 'won', 'rejected', 'disqualified', 'recycled')
    AND NOT EXISTS (SELECT FROM custody_entry AS c WHERE c.lead_id = e.lead_id AND c.move = 'corrected' AND c.cause_seq = e.seq)
    ORDER BY e.seq LIMIT 1
) AS w ON TRUE;
COMMENT ON VIEW custody_handoff_v1 IS 'One row for each hand-over to Sales and the answer to it; read by tracking and tuning.';
"""


class Migration(migrations.Migration):
    dependencies = [("custody", "0002_guards")]
    operations = [migrations.RunSQL(FORWARD, "DROP VIEW custody_handoff_v1")]
