"""That every touch has its visitor is looked at once for a batch, by trigger, no more by a foreign key once for a touch.

The foreign key's looks, each with a lock on the visitor that was written to disk, came at the end of the transaction, when the
batch holds its leads and others wait for them.
"""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

# Planned once per session, perhaps while there is hardly a visitor: without the setting a plan that reads all of them for each
# batch could stay in use while they grow.
BELONGS = """
CREATE FUNCTION leads_touch_belongs_1() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    stray bigint;
BEGIN
    SELECT n.visitor_id INTO stray FROM added AS n
    LEFT JOIN LATERAL (SELECT id FROM leads_visitor WHERE id = n.visitor_id OFFSET 0) AS v ON TRUE
    WHERE v.id IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a touch belongs to visitor %, who does not exist', stray USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leads_touch_belongs AFTER INSERT ON leads_touch
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION leads_touch_belongs_1();
CREATE FUNCTION leads_visitor_stays_1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM leads_touch WHERE visitor_id = OLD.id) THEN
        RAISE EXCEPTION 'visitor % has touches', OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER leads_visitor_stays BEFORE DELETE ON leads_visitor FOR EACH ROW EXECUTE FUNCTION leads_visitor_stays_1();
"""
WITHOUT_BELONGS = """
DROP TRIGGER leads_touch_belongs ON leads_touch;
DROP FUNCTION leads_touch_belongs_1();
DROP TRIGGER leads_visitor_stays ON leads_visitor;
DROP FUNCTION leads_visitor_stays_1();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0007_accounts_that_went")]

    operations: ClassVar[list[Operation]] = [
        migrations.AlterField(
            "touch",
            "visitor",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="touches",
                to="leads.visitor",
            ),
        ),
        migrations.RunSQL(BELONGS, WITHOUT_BELONGS),
    ]
