WITH own AS (
SELECT
  "t"."lead_id",
  CAST(SUM(
    CASE
      WHEN "t"."kind" = 'seminar.attended' AND "t"."at" > 1774448000000000
      THEN (
        20000 * (
          180 - (
            (
              1790000000000000 - "t"."at"
            ) // 86400000000
          )
        )
      ) // 180
    END
  ) AS BIGINT) AS "m1",
  COUNT(*) FILTER(WHERE
    "t"."kind" = 'demo.requested' AND "t"."at" > 1789395200000000) AS "m4"
FROM "touches" AS "t"
WHERE
  "t"."at" > 1774448000000000
  AND (
    (
      "t"."kind" = 'demo.requested' AND "t"."at" > 1789395200000000
    )
    OR "t"."kind" = 'seminar.attended'
  )
  AND "t"."at" <= 1790000000000000
  AND "t"."known_at" <= 1790000000000000
  AND (
    "t"."void_at" IS NULL OR "t"."void_at" > 1790000000000000
  )
GROUP BY
  "t"."lead_id"
),
own_m2 AS (
SELECT
  "f"."lead_id",
  COUNT(*) AS "m2"
FROM (
  SELECT
    "t"."lead_id"
  FROM "touches" AS "t"
  WHERE
    (
      "t"."at" > 1788790400000000
      AND "t"."kind" = 'page.viewed'
      AND "t"."at" <= 1790000000000000
      AND "t"."known_at" <= 1790000000000000
      AND (
        "t"."void_at" IS NULL OR "t"."void_at" > 1790000000000000
      )
    )
    AND STARTS_WITH("t"."path|t", '/pricing')
  GROUP BY
    "t"."lead_id",
    (
      "t"."at" + 62135596800000000
    ) // 86400000000
) AS "f"
GROUP BY
  "f"."lead_id"
),
circle_m3 AS (
SELECT
  "f"."account_key",
  COUNT(*) AS "m3"
FROM (
  SELECT
    "t"."account_key"
  FROM "touches" AS "t"
  WHERE
    (
      NOT "t"."account_key" IS NULL
      AND (
        "t"."at" > 1787408000000000
        AND "t"."at" <= 1790000000000000
        AND "t"."known_at" <= 1790000000000000
        AND (
          "t"."void_at" IS NULL OR "t"."void_at" > 1790000000000000
        )
      )
    )
    AND (
      NOT "t"."kind" IN (
        'call.attempted',
        'call.made',
        'email.bounced',
        'email.sent',
        'linkedin.sent',
        'list.imported',
        'mail.sent',
        'seminar.invited',
        'webinar.invited'
      )
      AND NOT "t"."person_key" IS NULL
    )
  GROUP BY
    "t"."account_key",
    "t"."person_key"
) AS "f"
GROUP BY
  "f"."account_key"
),
facts AS (
SELECT
  "s"."lead_id",
  "s"."as_of",
  CAST(CAST((
    "s"."account.industry|t" IN ('manufacturing', 'logistics', 'wholesale')
  ) AS INT) * 20000 AS BIGINT) AS "points.served_industry",
  CAST(CAST((
    "s"."account.employees|n" BETWEEN 200000000 AND 5000000000
  ) AS INT) * 20000 AS BIGINT) AS "points.mid_size",
  CAST(CAST((
    (
      SPLIT_PART("s"."person.email_domain|t", '.', -2) || '.' || SPLIT_PART("s"."person.email_domain|t", '.', -1)
    ) IN ('aalto.fi', 'aau.dk', 'abo.fi', 'ac.ae', 'ac.at', 'ac.bd')
  ) AS INT) * (
    -40000
  ) AS BIGINT) AS "points.student",
  CAST(GREATEST(-40000, LEAST(40000, COALESCE("own"."m1", 0))) AS BIGINT) AS "points.seminar",
  CAST(GREATEST(-15000, LEAST(15000, COALESCE("own_m2"."m2", 0) * 5000)) AS BIGINT) AS "points.pricing",
  CAST(CAST((
    COALESCE("circle_m3"."m3", 0) >= 3
  ) AS INT) * 15000 AS BIGINT) AS "points.buying_group",
  CAST(CAST((
    "s"."lead.timeline_months|n" <= 6000000
  ) AS INT) * 25000 AS BIGINT) AS "points.timeline",
  (
    (
      "s"."account.domain|t" IN ('initech.example', 'hooli.example')
      OR ENDS_WITH("s"."account.domain|t", '.initech.example')
      OR ENDS_WITH("s"."account.domain|t", '.hooli.example')
    )
  ) AS "f1",
  (
    "s"."person.opted_out|b"
  ) AS "f2",
  (
    COALESCE("own"."m4", 0) >= 1
  ) AS "f3"
FROM (
  SELECT
    "lead_id",
    CAST(1790000000000000 AS BIGINT) AS "as_of",
    "account_key",
    CASE WHEN NOT "account_key" IS NULL THEN "account.domain|t" END AS "account.domain|t",
    CASE WHEN NOT "account_key" IS NULL THEN "account.employees|n" END AS "account.employees|n",
    CASE WHEN NOT "account_key" IS NULL THEN "account.industry|t" END AS "account.industry|t",
    "lead.timeline_months|n",
    "person.email_domain|t",
    "person.opted_out|b"
  FROM "leads"
) AS "s"
LEFT JOIN "own"
  ON "own"."lead_id" = "s"."lead_id"
LEFT JOIN "own_m2"
  ON "own_m2"."lead_id" = "s"."lead_id"
LEFT JOIN "circle_m3"
  ON "circle_m3"."account_key" = "s"."account_key"
),
scores AS (
SELECT
  *,
  CAST(COALESCE("points.served_industry", 0) + COALESCE("points.mid_size", 0) + COALESCE("points.student", 0) AS BIGINT) AS "fit",
  CAST(COALESCE("points.seminar", 0) + COALESCE("points.pricing", 0) + COALESCE("points.buying_group", 0) AS BIGINT) AS "engagement",
  CAST(COALESCE("points.timeline", 0) AS BIGINT) AS "readiness"
FROM "facts"
),
clauses AS (
SELECT
  *,
  COALESCE("f1", FALSE) AS "disqualified.1",
  COALESCE("f2", FALSE) AS "disqualified.2",
  COALESCE((
    (
      "fit" >= 40000
    ) AND (
      "engagement" >= 30000
    )
  ), FALSE) AS "sales_ready.1",
  COALESCE((
    (
      "fit" >= 40000
    ) AND (
      "readiness" >= 25000
    )
  ), FALSE) AS "sales_ready.2",
  COALESCE("f3", FALSE) AS "sales_ready.3",
  COALESCE((
    "engagement" >= 15000
  ), FALSE) AS "lead.1",
  COALESCE((
    "readiness" >= 10000
  ), FALSE) AS "lead.2"
FROM "scores"
)
SELECT
  "lead_id",
  "as_of",
  CASE
    WHEN "disqualified.1"
    THEN 'disqualified'
    WHEN "disqualified.2"
    THEN 'disqualified'
    WHEN "sales_ready.1"
    THEN 'sales_ready'
    WHEN "sales_ready.2"
    THEN 'sales_ready'
    WHEN "sales_ready.3"
    THEN 'sales_ready'
    WHEN "lead.1"
    THEN 'lead'
    WHEN "lead.2"
    THEN 'lead'
    ELSE 'prospect'
  END AS "verdict",
  CASE
    WHEN "disqualified.1"
    THEN 'disqualified.1'
    WHEN "disqualified.2"
    THEN 'disqualified.2'
    WHEN "sales_ready.1"
    THEN 'sales_ready.1'
    WHEN "sales_ready.2"
    THEN 'sales_ready.2'
    WHEN "sales_ready.3"
    THEN 'sales_ready.3'
    WHEN "lead.1"
    THEN 'lead.1'
    WHEN "lead.2"
    THEN 'lead.2'
    ELSE ''
  END AS "decided_by",
  "fit",
  "engagement",
  "readiness",
  "points.served_industry" AS "points.served_industry",
  "points.mid_size" AS "points.mid_size",
  "points.student" AS "points.student",
  "points.seminar" AS "points.seminar",
  "points.pricing" AS "points.pricing",
  "points.buying_group" AS "points.buying_group",
  "points.timeline" AS "points.timeline"
FROM "clauses"
