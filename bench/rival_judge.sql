-- The example agreement, written by hand for DuckDB by somebody who knows the file and the instant:
-- one verdict a lead, its three scores and the points of each line, as of {as_of}.
-- `academic` is a table of the domains in builtin.academic. What a general compiler cannot know is used here: that
-- a lead without an account never is three people, that a window of 14 days fits the bits of one integer,
-- and that whoever is unknown simply scores nothing.
WITH own AS (
  SELECT
    lead_id,
    sum(CASE WHEN kind = 'seminar.attended' THEN (20000 * (180 - ({as_of} - "at") // 86400000000)) // 180 END)::BIGINT
      AS seminar,
    bit_count(bit_or(CASE WHEN kind = 'page.viewed' THEN 1 << ({as_of} // 86400000000 - "at" // 86400000000)::INTEGER END))
      AS price_days,
    bool_or(kind = 'demo.requested') AS raised_a_hand
  FROM touches
  WHERE known_at <= {as_of}
    AND "at" <= {as_of}
    AND "at" > {as_of} - 180 * 86400000000
    AND (void_at IS NULL OR void_at > {as_of})
    AND (
      kind = 'seminar.attended'
      OR (kind = 'page.viewed' AND "at" > {as_of} - 14 * 86400000000 AND starts_with("path|t", '/pricing'))
      OR (kind = 'demo.requested' AND "at" > {as_of} - 7 * 86400000000)
    )
  GROUP BY lead_id
),
people AS (
  SELECT account_key
  FROM touches
  WHERE account_key IS NOT NULL
    AND known_at <= {as_of}
    AND "at" <= {as_of}
    AND "at" > {as_of} - 30 * 86400000000
    AND (void_at IS NULL OR void_at > {as_of})
    AND kind NOT IN ({ours})
  GROUP BY account_key
  HAVING count(DISTINCT person_key) >= 3
),
parts AS (
  SELECT
    l.lead_id,
    CASE WHEN l."account.industry|t" IN ('manufacturing', 'logistics', 'wholesale') AND l.account_key IS NOT NULL
      THEN 20000 ELSE 0 END AS served_industry,
    CASE WHEN l."account.employees|n" BETWEEN 200000000 AND 5000000000 AND l.account_key IS NOT NULL
      THEN 20000 ELSE 0 END AS mid_size,
    CASE WHEN d.domain IS NOT NULL THEN -40000 ELSE 0 END AS student,
    least(40000, coalesce(o.seminar, 0)) AS seminar,
    least(15000, 5000 * coalesce(o.price_days, 0)) AS pricing,
    CASE WHEN p.account_key IS NOT NULL THEN 15000 ELSE 0 END AS buying_group,
    CASE WHEN l."lead.timeline_months|n" <= 6000000 THEN 25000 ELSE 0 END AS timeline,
    coalesce(o.raised_a_hand, false) AS raised_a_hand,
    coalesce(l."person.opted_out|b", false)
      OR coalesce(l.account_key IS NOT NULL AND (
        l."account.domain|t" IN ('initech.example', 'hooli.example')
        OR suffix(l."account.domain|t", '.initech.example')
        OR suffix(l."account.domain|t", '.hooli.example')), false) AS disqualified
  FROM leads l
  LEFT JOIN own o ON o.lead_id = l.lead_id
  LEFT JOIN people p ON p.account_key = l.account_key
  LEFT JOIN (
    SELECT DISTINCT domain
    FROM (SELECT DISTINCT "person.email_domain|t" AS domain FROM leads)
    WHERE domain IN (SELECT domain FROM academic)
       OR regexp_extract(domain, '[^.]*$') IN (SELECT domain FROM academic)
       OR regexp_extract(domain, '[^.]*[.][^.]*$') IN (SELECT domain FROM academic)
  ) d ON d.domain = l."person.email_domain|t"
),
scores AS (
  SELECT
    *,
    served_industry + mid_size + student AS fit,
    seminar + pricing + buying_group AS engagement,
    timeline AS readiness
  FROM parts
)
SELECT
  lead_id,
  CASE
    WHEN disqualified THEN 'disqualified'
    WHEN (fit >= 40000 AND (engagement >= 30000 OR readiness >= 25000)) OR raised_a_hand THEN 'sales_ready'
    WHEN engagement >= 15000 OR readiness >= 10000 THEN 'lead'
    ELSE 'prospect'
  END AS verdict,
  fit::BIGINT AS fit,
  engagement::BIGINT AS engagement,
  readiness::BIGINT AS readiness,
  served_industry,
  mid_size,
  student,
  seminar,
  pricing,
  buying_group,
  timeline
FROM scores
