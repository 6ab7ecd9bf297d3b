"""The Unicode version under which an agreement was frozen is kept with it, and stays as its text does (Meaning 5)."""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION agreement_version_unicode_stays_1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'draft' AND NEW.unicode IS DISTINCT FROM OLD.unicode THEN
        RAISE EXCEPTION 'version % of the agreement was proposed; the Unicode version it was frozen under cannot change', OLD.number;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_version_unicode_stays BEFORE UPDATE ON agreement_version
    FOR EACH ROW EXECUTE FUNCTION agreement_version_unicode_stays_1();
"""
BACKWARD = """
DROP TRIGGER agreement_version_unicode_stays ON agreement_version;
DROP FUNCTION agreement_version_unicode_stays_1();
"""


class Migration(migrations.Migration):
    dependencies = [("agreement", "0004_effects")]
    operations = [
        migrations.AddField(
            "Version",
            "unicode",
            models.CharField(
                blank=True,
                db_default="",
                help_text="Whose tables folded it when it was frozen; empty: frozen before that was kept.",
                max_length=16,
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
