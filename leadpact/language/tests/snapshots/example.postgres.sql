WITH own AS MATERIALIZED (
SELECT
  "l"."lead_id",
  "l"."as_of",
  CAST(SUM(
    CASE
      WHEN "t"."kind" = 'seminar.attended'
      AND "t"."at" <= "l"."as_of"
      AND "t"."at" > "l"."as_of" - 15552000000000
      THEN (
        20000 * (
          180 - (
            (
              "l"."as_of" - "t"."at"
            ) / 86400000000
          )
        )
      ) / 180
    END
  ) AS BIGINT) AS "m1",
  COUNT(DISTINCT (
    "t"."at" + 62135596800000000
  ) / 86400000000) FILTER(WHERE
    "t"."kind" = 'page.viewed'
    AND STARTS_WITH("t"."path|t", '/pricing')
    AND "t"."at" <= "l"."as_of"
    AND "t"."at" > "l"."as_of" - 1209600000000) AS "m2",
  COUNT(*) FILTER(WHERE
    "t"."kind" = 'demo.requested'
    AND "t"."at" <= "l"."as_of"
    AND "t"."at" > "l"."as_of" - 604800000000) AS "m4",
  MIN(
    LEAST(
      CASE
        WHEN "t"."kind" = 'seminar.attended'
        THEN CASE WHEN "t"."at" > "l"."as_of" THEN "t"."at" END
      END,
      CASE
        WHEN "t"."kind" = 'page.viewed' AND STARTS_WITH("t"."path|t", '/pricing')
        THEN CASE
          WHEN "t"."at" > "l"."as_of"
          THEN "t"."at"
          WHEN "t"."at" > "l"."as_of" - 1209600000000
          THEN "t"."at" + 1209600000000
        END
      END,
      CASE
        WHEN "t"."kind" = 'demo.requested'
        THEN CASE
          WHEN "t"."at" > "l"."as_of"
          THEN "t"."at"
          WHEN "t"."at" > "l"."as_of" - 604800000000
          THEN "t"."at" + 604800000000
        END
      END
    )
  ) AS "steps",
  MIN(
    CASE
      WHEN "t"."kind" = 'seminar.attended'
      AND "t"."at" <= "l"."as_of"
      AND "t"."at" > "l"."as_of" - 15552000000000
      THEN "t"."at" + (
        (
          (
            (
              "l"."as_of" - "t"."at"
            ) / 86400000000
          ) + 1
        ) * 86400000000
      )
    END
  ) AS "next_fade",
  CAST(COALESCE(
    SUM(
      CASE
        WHEN "t"."kind" = 'seminar.attended'
        AND "t"."at" <= "l"."as_of"
        AND "t"."at" > "l"."as_of" - 15552000000000
        THEN 112
      END
    ),
    0
  ) AS BIGINT) AS "fades"
FROM "leads" AS "l"
JOIN "touches" AS "t"
  ON "t"."lead_id" = "l"."lead_id"
WHERE
  "t"."at" > "l"."as_of" - 15552000000000
  AND (
    (
      "t"."kind" = 'demo.requested' AND "t"."at" > "l"."as_of" - 604800000000
    )
    OR (
      "t"."kind" = 'page.viewed' AND "t"."at" > "l"."as_of" - 1209600000000
    )
    OR "t"."kind" = 'seminar.attended'
  )
  AND "t"."known_at" <= "l"."as_of"
  AND (
    "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
  )
GROUP BY
  "l"."lead_id",
  "l"."as_of"
),
circle_m3 AS MATERIALIZED (
SELECT
  "f"."account_key",
  "f"."as_of",
  COUNT("f"."latest") AS "m3",
  MIN(
    LEAST(CASE WHEN "f"."place" = 3 THEN "f"."latest" + 2592000000000 END, "f"."later")
  ) AS "steps"
FROM (
  SELECT
    "f"."account_key",
    "f"."as_of",
    "f"."latest",
    "f"."later",
    ROW_NUMBER() OVER (
      PARTITION BY "f"."account_key", "f"."as_of"
      ORDER BY COALESCE("f"."latest", -4611686018427387904) DESC NULLS LAST
    ) AS "place"
  FROM (
    SELECT
      "l"."account_key",
      "l"."as_of",
      MAX("t"."at") FILTER(WHERE
        NOT "t"."at" > "l"."as_of") AS "latest",
      MIN("t"."at") FILTER(WHERE
        "t"."at" > "l"."as_of") AS "later"
    FROM (
      SELECT DISTINCT
        "account_key",
        "as_of"
      FROM "leads"
      WHERE
        NOT "account_key" IS NULL
    ) AS "l"
    JOIN "touches" AS "t"
      ON "t"."account_key" = "l"."account_key"
    WHERE
      (
        "t"."at" > "l"."as_of" - 2592000000000
        AND "t"."known_at" <= "l"."as_of"
        AND (
          "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
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
      "l"."account_key",
      "l"."as_of",
      "t"."person_key"
  ) AS "f"
) AS "f"
GROUP BY
  "f"."account_key",
  "f"."as_of"
),
alone_m3 AS MATERIALIZED (
SELECT
  "f"."lead_id",
  "f"."as_of",
  COUNT("f"."latest") AS "m3",
  MIN("f"."later") AS "steps"
FROM (
  SELECT
    "l"."lead_id",
    "l"."as_of",
    MAX("t"."at") FILTER(WHERE
      NOT "t"."at" > "l"."as_of") AS "latest",
    MIN("t"."at") FILTER(WHERE
      "t"."at" > "l"."as_of") AS "later"
  FROM (
    SELECT
      "lead_id",
      "as_of"
    FROM "leads"
    WHERE
      NOT NOT "account_key" IS NULL
  ) AS "l"
  JOIN "touches" AS "t"
    ON "t"."lead_id" = "l"."lead_id"
  WHERE
    (
      "t"."at" > "l"."as_of" - 2592000000000
      AND "t"."known_at" <= "l"."as_of"
      AND (
        "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
      )
    )
    AND NOT "t"."kind" IN (
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
  GROUP BY
    "l"."lead_id",
    "l"."as_of"
) AS "f"
GROUP BY
  "f"."lead_id",
  "f"."as_of"
),
facts AS MATERIALIZED (
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
  CAST(GREATEST(-15000, LEAST(15000, COALESCE("own"."m2", 0) * 5000)) AS BIGINT) AS "points.pricing",
  CAST(CAST((
    COALESCE("circle_m3"."m3", "alone_m3"."m3", 0) >= 3
  ) AS INT) * 15000 AS BIGINT) AS "points.buying_group",
  CAST(CAST((
    "s"."lead.timeline_months|n" <= 6000000
  ) AS INT) * 25000 AS BIGINT) AS "points.timeline",
  (
    (
      "s"."account.domain|t" IN ('initech.example', 'hooli.example')
      OR RIGHT("s"."account.domain|t", 16) = '.initech.example'
      OR RIGHT("s"."account.domain|t", 14) = '.hooli.example'
    )
  ) AS "f1",
  (
    "s"."person.opted_out|b"
  ) AS "f2",
  (
    COALESCE("own"."m4", 0) >= 1
  ) AS "f3",
  CAST(LEAST("own"."steps", "circle_m3"."steps", "alone_m3"."steps", "own"."next_fade") AS BIGINT) AS "changes_at",
  CAST(LEAST("own"."steps", "circle_m3"."steps", "alone_m3"."steps") AS BIGINT) AS "steps_at",
  CAST(COALESCE("own"."fades", 0) AS BIGINT) AS "fades"
FROM (
  SELECT
    "lead_id",
    "as_of",
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
  ON "own"."lead_id" = "s"."lead_id" AND "own"."as_of" = "s"."as_of"
LEFT JOIN "circle_m3"
  ON "circle_m3"."account_key" = "s"."account_key"
  AND "circle_m3"."as_of" = "s"."as_of"
LEFT JOIN "alone_m3"
  ON "alone_m3"."lead_id" = "s"."lead_id" AND "alone_m3"."as_of" = "s"."as_of"
),
scores AS MATERIALIZED (
SELECT
  *,
  CAST(COALESCE("points.served_industry", 0) + COALESCE("points.mid_size", 0) + COALESCE("points.student", 0) AS BIGINT) AS "fit",
  CAST(COALESCE("points.seminar", 0) + COALESCE("points.pricing", 0) + COALESCE("points.buying_group", 0) AS BIGINT) AS "engagement",
  CAST(COALESCE("points.timeline", 0) AS BIGINT) AS "readiness"
FROM "facts"
),
clauses AS MATERIALIZED (
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
  "points.timeline" AS "points.timeline",
  CAST(CASE WHEN "sales_ready.1" THEN 1 ELSE 0 END + CASE WHEN "sales_ready.2" THEN 2 ELSE 0 END + CASE WHEN "sales_ready.3" THEN 4 ELSE 0 END AS BIGINT) AS "alternatives",
  COALESCE((
    "engagement" <= 14999
  ), FALSE) AS "cools",
  CAST(LEAST(
    (
      GREATEST(0, 40000 - "fit") + GREATEST(0, 30000 - "engagement")
    ),
    (
      GREATEST(0, 40000 - "fit") + GREATEST(0, 25000 - "readiness")
    ),
    CASE WHEN "f3" THEN 0 END
  ) AS BIGINT) AS "distance",
  "changes_at",
  "steps_at",
  "fades"
FROM "clauses"
