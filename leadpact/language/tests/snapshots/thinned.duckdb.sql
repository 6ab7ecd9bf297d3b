WITH own AS (
SELECT
  "l"."lead_id",
  "l"."as_of",
  COUNT(*) FILTER(WHERE
    "t"."kind" = 'email.bounced' AND "t"."at" <= "l"."as_of") AS "m4",
  MIN(
    LEAST(
      CASE
        WHEN "t"."kind" = 'page.viewed' AND NOT "t"."path|t" IS NULL
        THEN CASE WHEN "t"."at" > "l"."as_of" THEN "t"."at" END
      END,
      CASE
        WHEN "t"."kind" = 'email.bounced'
        THEN CASE WHEN "t"."at" > "l"."as_of" THEN "t"."at" END
      END
    )
  ) AS "steps",
  MIN(
    CASE
      WHEN "t"."kind" = 'page.viewed'
      AND NOT "t"."path|t" IS NULL
      AND "t"."at" <= "l"."as_of"
      AND "t"."at" > "l"."as_of" - 864000000000
      THEN "t"."at" + (
        (
          (
            (
              "l"."as_of" - "t"."at"
            ) // 86400000000
          ) + 1
        ) * 86400000000
      )
    END
  ) AS "next_fade",
  CAST(COALESCE(
    SUM(
      CASE
        WHEN "t"."kind" = 'page.viewed'
        AND NOT "t"."path|t" IS NULL
        AND "t"."at" <= "l"."as_of"
        AND "t"."at" > "l"."as_of" - 864000000000
        THEN 1000
      END
    ),
    0
  ) AS BIGINT) AS "fades"
FROM "leads" AS "l"
JOIN "touches" AS "t"
  ON "t"."lead_id" = "l"."lead_id"
WHERE
  (
    "t"."kind" = 'email.bounced'
    OR (
      "t"."kind" = 'page.viewed' AND "t"."at" > "l"."as_of" - 864000000000
    )
  )
  AND "t"."known_at" <= "l"."as_of"
  AND (
    "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
  )
GROUP BY
  "l"."lead_id",
  "l"."as_of"
),
own_m1 AS (
SELECT
  "f"."lead_id",
  "f"."as_of",
  CAST(SUM(
    -(
      (
        10000 * (
          10 - (
            (
              "f"."as_of" - "f"."at"
            ) // 86400000000
          )
        )
      ) // 10
    )
  ) AS BIGINT) AS "m1"
FROM (
  SELECT
    "l"."lead_id",
    "l"."as_of",
    MAX("t"."at") AS "at"
  FROM "leads" AS "l"
  JOIN "touches" AS "t"
    ON "t"."lead_id" = "l"."lead_id"
  WHERE
    (
      "t"."at" > "l"."as_of" - 864000000000
      AND "t"."kind" = 'page.viewed'
      AND "t"."at" <= "l"."as_of"
      AND "t"."known_at" <= "l"."as_of"
      AND (
        "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
      )
    )
    AND NOT "t"."path|t" IS NULL
  GROUP BY
    "l"."lead_id",
    "l"."as_of",
    (
      "t"."at" + 62135596800000000
    ) // 86400000000,
    "t"."path|t"
) AS "f"
GROUP BY
  "f"."lead_id",
  "f"."as_of"
),
circle AS (
SELECT
  "l"."account_key",
  "l"."as_of",
  MIN(
    CASE
      WHEN NOT "t"."plan|t" IS NULL
      THEN CASE WHEN "t"."at" > "l"."as_of" THEN "t"."at" END
    END
  ) AS "steps"
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
  "t"."kind" IN ('chat.started', 'product.tried')
  AND "t"."known_at" <= "l"."as_of"
  AND (
    "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
  )
GROUP BY
  "l"."account_key",
  "l"."as_of"
),
circle_m2 AS (
SELECT
  "f"."account_key",
  "f"."as_of",
  COUNT(*) AS "m2"
FROM (
  SELECT
    "l"."account_key",
    "l"."as_of"
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
      "t"."kind" IN ('chat.started', 'product.tried')
      AND "t"."at" <= "l"."as_of"
      AND "t"."known_at" <= "l"."as_of"
      AND (
        "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
      )
    )
    AND NOT "t"."plan|t" IS NULL
  GROUP BY
    "l"."account_key",
    "l"."as_of",
    "t"."plan|t"
) AS "f"
GROUP BY
  "f"."account_key",
  "f"."as_of"
),
circle_m3 AS (
SELECT
  "f"."account_key",
  "f"."as_of",
  COUNT("f"."latest") AS "m3",
  MIN(
    LEAST(CASE WHEN "f"."place" = 1 THEN "f"."latest" + 2592000000000 END, "f"."later")
  ) AS "steps"
FROM (
  SELECT
    "f"."account_key",
    "f"."as_of",
    "f"."latest",
    "f"."later",
    ROW_NUMBER() OVER (
      PARTITION BY "f"."account_key", "f"."as_of"
      ORDER BY COALESCE("f"."latest", -4611686018427387904) DESC
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
alone AS (
SELECT
  "l"."lead_id",
  "l"."as_of",
  MIN(
    CASE
      WHEN NOT "t"."plan|t" IS NULL
      THEN CASE WHEN "t"."at" > "l"."as_of" THEN "t"."at" END
    END
  ) AS "steps"
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
  "t"."kind" IN ('chat.started', 'product.tried')
  AND "t"."known_at" <= "l"."as_of"
  AND (
    "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
  )
GROUP BY
  "l"."lead_id",
  "l"."as_of"
),
alone_m2 AS (
SELECT
  "f"."lead_id",
  "f"."as_of",
  COUNT(*) AS "m2"
FROM (
  SELECT
    "l"."lead_id",
    "l"."as_of"
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
      "t"."kind" IN ('chat.started', 'product.tried')
      AND "t"."at" <= "l"."as_of"
      AND "t"."known_at" <= "l"."as_of"
      AND (
        "t"."void_at" IS NULL OR "t"."void_at" > "l"."as_of"
      )
    )
    AND NOT "t"."plan|t" IS NULL
  GROUP BY
    "l"."lead_id",
    "l"."as_of",
    "t"."plan|t"
) AS "f"
GROUP BY
  "f"."lead_id",
  "f"."as_of"
),
alone_m3 AS (
SELECT
  "f"."lead_id",
  "f"."as_of",
  COUNT("f"."latest") AS "m3",
  MIN(LEAST("f"."latest" + 2592000000000, "f"."later")) AS "steps"
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
facts AS (
SELECT
  "s"."lead_id",
  "s"."as_of",
  CAST(CAST((
    (
      STRPOS("s"."person.title|w", ' head ') > 0
    )
    OR NOT (
      (
        STRPOS("s"."person.title|t", 'l''été') > 0
      )
    )
  ) AS INT) * 3000 AS BIGINT) AS "points.title",
  CAST(COALESCE("own_m1"."m1", 0) AS BIGINT) AS "points.pages",
  CAST(COALESCE("circle_m2"."m2", "alone_m2"."m2", 0) * 5000 AS BIGINT) AS "points.trials",
  CAST(CAST((
    COALESCE("circle_m3"."m3", "alone_m3"."m3", 0) >= 1
  ) AS INT) * 15000 AS BIGINT) AS "points.people",
  (
    COALESCE("own"."m4", 0) >= 0 AND COALESCE("own"."m4", 0) <= 2
  ) AS "f1",
  CAST(LEAST(
    "own"."steps",
    "circle"."steps",
    "alone"."steps",
    "circle_m3"."steps",
    "alone_m3"."steps",
    "own"."next_fade"
  ) AS BIGINT) AS "changes_at",
  CAST(LEAST(
    "own"."steps",
    "circle"."steps",
    "alone"."steps",
    "circle_m3"."steps",
    "alone_m3"."steps"
  ) AS BIGINT) AS "steps_at",
  CAST(COALESCE("own"."fades", 0) AS BIGINT) AS "fades"
FROM (
  SELECT
    "lead_id",
    "as_of",
    "account_key",
    "person.title|t",
    "person.title|w"
  FROM "leads"
) AS "s"
LEFT JOIN "own"
  ON "own"."lead_id" = "s"."lead_id" AND "own"."as_of" = "s"."as_of"
LEFT JOIN "own_m1"
  ON "own_m1"."lead_id" = "s"."lead_id" AND "own_m1"."as_of" = "s"."as_of"
LEFT JOIN "circle"
  ON "circle"."account_key" = "s"."account_key" AND "circle"."as_of" = "s"."as_of"
LEFT JOIN "circle_m2"
  ON "circle_m2"."account_key" = "s"."account_key"
  AND "circle_m2"."as_of" = "s"."as_of"
LEFT JOIN "circle_m3"
  ON "circle_m3"."account_key" = "s"."account_key"
  AND "circle_m3"."as_of" = "s"."as_of"
LEFT JOIN "alone"
  ON "alone"."lead_id" = "s"."lead_id" AND "alone"."as_of" = "s"."as_of"
LEFT JOIN "alone_m2"
  ON "alone_m2"."lead_id" = "s"."lead_id" AND "alone_m2"."as_of" = "s"."as_of"
LEFT JOIN "alone_m3"
  ON "alone_m3"."lead_id" = "s"."lead_id" AND "alone_m3"."as_of" = "s"."as_of"
),
scores AS (
SELECT
  *,
  CAST(COALESCE("points.title", 0) AS BIGINT) AS "fit",
  CAST(COALESCE("points.pages", 0) + COALESCE("points.trials", 0) + COALESCE("points.people", 0) AS BIGINT) AS "engagement",
  CAST(0 AS BIGINT) AS "readiness"
FROM "facts"
),
clauses AS (
SELECT
  *,
  COALESCE((
    (
      "engagement" >= 1000
    ) AND NOT (
      "f1"
    )
  ), FALSE) AS "sales_ready.1"
FROM "scores"
)
SELECT
  "lead_id",
  "as_of",
  CASE WHEN "sales_ready.1" THEN 'sales_ready' ELSE 'prospect' END AS "verdict",
  CASE WHEN "sales_ready.1" THEN 'sales_ready.1' ELSE '' END AS "decided_by",
  "fit",
  "engagement",
  "readiness",
  "points.title" AS "points.title",
  "points.pages" AS "points.pages",
  "points.trials" AS "points.trials",
  "points.people" AS "points.people",
  CAST(CASE WHEN "sales_ready.1" THEN 1 ELSE 0 END AS BIGINT) AS "alternatives",
  FALSE AS "cools",
  CAST((
    GREATEST(0, 1000 - "engagement") + CASE WHEN NOT (
      "f1"
    ) THEN 0 END
  ) AS BIGINT) AS "distance",
  "changes_at",
  "steps_at",
  "fades"
FROM "clauses"
