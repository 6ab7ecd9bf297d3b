"""What was frozen never changes: neither a proposed or signed text, nor a signature."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION agreement_signed_stays_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION 'version % of the agreement was proposed; it cannot be deleted', OLD.number;
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status <> 'draft' AND (NEW.canonical, NEW.hash, NEW.source, NEW.number)
       IS DISTINCT FROM (OLD.canonical, OLD.hash, OLD.source, OLD.number) THEN
        RAISE EXCEPTION 'version % of the agreement was proposed; its text cannot change', OLD.number;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_version_stays BEFORE UPDATE OR DELETE ON agreement_version
    FOR EACH ROW EXECUTE FUNCTION agreement_signed_stays_v1();
CREATE FUNCTION agreement_signature_stays_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a signature cannot be changed or taken back; sign a new version instead';
END $$;
CREATE TRIGGER agreement_signature_stays BEFORE UPDATE OR DELETE ON agreement_signature
    FOR EACH ROW EXECUTE FUNCTION agreement_signature_stays_v1();
"""
BACKWARD = """
DROP TRIGGER agreement_signature_stays ON agreement_signature;
DROP FUNCTION agreement_signature_stays_v1();
DROP TRIGGER agreement_version_stays ON agreement_version;
DROP FUNCTION agreement_signed_stays_v1();
"""


class Migration(migrations.Migration):
    dependencies = [("agreement", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
