"""A version may take effect more than once, by new signatures; drafts keep every text; lines are talked about.

What was signed so far becomes one effect a version, and its signatures get their seals. The guards of 0002 are replaced: an
effect cannot begin without both signatures, nor change once it is signed, and a draft's texts only grow.
"""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import leadpact.kit.instants
from leadpact.agreement.rules.seal import seal
from leadpact.kit.migrations import KeepFromApp

WITHOUT_OLD_GUARDS = """
DROP VIEW agreement_version_v1;
DROP TRIGGER agreement_signature_stays ON agreement_signature;
DROP FUNCTION agreement_signature_stays_v1();
DROP TRIGGER agreement_version_stays ON agreement_version;
DROP FUNCTION agreement_signed_stays_v1();
"""

GUARDS = """
CREATE FUNCTION agreement_version_stays_2() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION 'version % of the agreement was proposed; it cannot be deleted', OLD.number;
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status <> 'draft' AND ((NEW.canonical, NEW.hash, NEW.source, NEW.number)
       IS DISTINCT FROM (OLD.canonical, OLD.hash, OLD.source, OLD.number) OR NEW.status = 'draft') THEN
        RAISE EXCEPTION 'version % of the agreement was proposed; its text cannot change', OLD.number;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_version_stays BEFORE UPDATE OR DELETE ON agreement_version
    FOR EACH ROW EXECUTE FUNCTION agreement_version_stays_2();

CREATE FUNCTION agreement_effect_stays_1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an effect of the agreement cannot be deleted; withdraw it or sign another';
    END IF;
    IF (NEW.version_id, NEW.proposed_at, NEW.wanted_at, NEW.why) IS DISTINCT FROM (OLD.version_id, OLD.proposed_at, OLD.wanted_at, OLD.why)
       OR OLD.status = 'withdrawn' AND (NEW.status, NEW.effective_at, NEW.withdrawn_at) IS DISTINCT FROM (OLD.status, OLD.effective_at, OLD.withdrawn_at)
       OR OLD.status = 'signed' AND (NEW.status = 'proposed' OR NEW.effective_at IS DISTINCT FROM OLD.effective_at) THEN
        RAISE EXCEPTION 'effect % of the agreement was proposed or signed as it is; propose another', OLD.id;
    END IF;
    IF OLD.status = 'proposed' AND NEW.status = 'signed' AND (
        SELECT count(DISTINCT s.department) FROM agreement_signature AS s JOIN agreement_version AS v ON v.id = OLD.version_id
        WHERE s.effect_id = OLD.id AND s.department IN ('marketing', 'sales') AND s.hash = v.hash) < 2 THEN
        RAISE EXCEPTION 'effect % of the agreement lacks a signature; both departments sign', OLD.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_effect_stays BEFORE UPDATE OR DELETE ON agreement_effect
    FOR EACH ROW EXECUTE FUNCTION agreement_effect_stays_1();

CREATE FUNCTION agreement_effect_begins_1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'proposed' THEN
        RAISE EXCEPTION 'an effect of the agreement begins as a proposal';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_effect_begins BEFORE INSERT ON agreement_effect
    FOR EACH ROW EXECUTE FUNCTION agreement_effect_begins_1();

CREATE FUNCTION agreement_signature_stays_2() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM agreement_effect AS e JOIN agreement_version AS v ON v.id = e.version_id
                       WHERE e.id = NEW.effect_id AND e.status = 'proposed' AND v.hash = NEW.hash) THEN
            RAISE EXCEPTION 'a signature belongs to a proposal and names the hash of its version';
        END IF;
        RETURN NEW;
    END IF;
    -- Somebody who leaves may be removed; what they signed stays.
    IF TG_OP = 'UPDATE' AND NEW.user_id IS NULL AND (NEW.id, NEW.effect_id, NEW.department, NEW.signer, NEW.hash, NEW.seal, NEW.at)
       IS NOT DISTINCT FROM (OLD.id, OLD.effect_id, OLD.department, OLD.signer, OLD.hash, OLD.seal, OLD.at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a signature cannot be changed or taken back; propose and sign anew instead';
END $$;
CREATE TRIGGER agreement_signature_stays BEFORE INSERT OR UPDATE OR DELETE ON agreement_signature
    FOR EACH ROW EXECUTE FUNCTION agreement_signature_stays_2();

CREATE VIEW agreement_version_v1 AS
SELECT v.hash, v.number, v.name, convert_from(v.canonical, 'UTF8') AS canonical, e.effective_at, e.superseded_at
FROM (SELECT version_id, effective_at, lead(effective_at) OVER (ORDER BY effective_at, id) AS superseded_at
      FROM agreement_effect WHERE status = 'signed') AS e
JOIN agreement_version AS v ON v.id = e.version_id WHERE e.superseded_at IS DISTINCT FROM e.effective_at;
COMMENT ON VIEW agreement_version_v1 IS 'What was signed, a row for each stretch in which it decides; for history.';

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON agreement_revision FOR EACH ROW EXECUTE FUNCTION only_grows_1();
COMMENT ON TABLE agreement_effect IS 'When which version was put in force, by whose signatures; the latest begun decides.';
COMMENT ON TABLE agreement_revision IS 'Every text of a draft that was ever saved; only grows.';
"""

FILL = """
INSERT INTO agreement_revision (version_id, number, source, by_id, at, aside)
    SELECT id, 1, source, created_by_id, created_at, FALSE FROM agreement_version;
INSERT INTO agreement_effect (version_id, status, proposed_by_id, proposed_at, wanted_at, why, effective_at)
    SELECT v.id, v.status, v.created_by_id, COALESCE((SELECT min(s.at) FROM agreement_signature AS s WHERE s.version_id = v.id), v.created_at),
        CASE WHEN v.effective_at > (SELECT max(s.at) FROM agreement_signature AS s WHERE s.version_id = v.id) THEN v.effective_at END,
        '', v.effective_at
    FROM agreement_version AS v WHERE v.status IN ('proposed', 'signed') ORDER BY v.effective_at, v.number;
UPDATE agreement_signature AS s SET effect_id = e.id, signer = COALESCE(s.user_id, 0) FROM agreement_effect AS e WHERE e.version_id = s.version_id;
"""


def seal_old(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give the signatures of before their seals."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, e.id, s.hash, v.source, e.wanted_at, s.department, s.signer, s.at FROM agreement_signature AS s"
            " JOIN agreement_effect AS e ON e.id = s.effect_id JOIN agreement_version AS v ON v.id = e.version_id"
        )
        for id_, effect, digest, source, wanted, department, signer, at in cursor.fetchall():
            made = seal(
                effect=effect,
                agreement_hash=digest,
                source=source,
                wanted_at=wanted,
                department=department,
                signer=signer,
                at=at,
            )
            cursor.execute("UPDATE agreement_signature SET seal = %s WHERE id = %s", [made, id_])
        # Constraints that wait for the end of the transaction forbid altering the table.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _key() -> models.BigAutoField[Any, Any]:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def _user() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
    )


def _to(model: str, name: str = "+") -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=name, to=f"agreement.{model}")


Instant = leadpact.kit.instants.InstantField


class Migration(migrations.Migration):
    dependencies = [
        ("agreement", "0003_version_view"),
        ("leads", "0002_only_grows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(WITHOUT_OLD_GUARDS),
        migrations.AlterField(
            "Version",
            "status",
            models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("proposed", "Proposed"),
                    ("withdrawn", "Withdrawn"),
                    ("signed", "Signed"),
                ],
                default="draft",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            "Version",
            "source",
            models.TextField(help_text="The YAML as its authors wrote it: of a draft, its latest revision."),
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", _key()),
                ("number", models.PositiveIntegerField()),
                ("source", models.TextField()),
                ("base", models.PositiveIntegerField(null=True)),
                ("aside", models.BooleanField(default=False)),
                ("settles", models.PositiveIntegerField(null=True)),
                ("at", Instant()),
                ("by", _user()),
                ("version", _to("version", "revisions")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["version", "number"], name="revisions_in_sequence")]
            },
        ),
        migrations.CreateModel(
            name="Effect",
            fields=[
                ("id", _key()),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "Proposed"), ("signed", "Signed"), ("withdrawn", "Withdrawn")],
                        default="proposed",
                        max_length=9,
                    ),
                ),
                ("proposed_at", Instant()),
                ("wanted_at", Instant(null=True)),
                ("why", models.CharField(blank=True, max_length=500)),
                ("effective_at", Instant(null=True)),
                ("withdrawn_at", Instant(null=True)),
                ("proposed_by", _user()),
                ("version", _to("version", "effects")),
                ("withdrawn_by", _user()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "signed")), fields=["effective_at"], name="effect_by_time"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "proposed")),
                        fields=("version",),
                        name="one_open_proposal_per_version",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "signed"), _negated=True),
                            ("effective_at__isnull", False),
                            _connector="OR",
                        ),
                        name="signed_has_an_instant",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("withdrawn_at__isnull", True),
                            ("effective_at__isnull", True),
                            ("withdrawn_at__lt", models.F("effective_at")),
                            _connector="OR",
                        ),
                        name="withdrawn_before_it_began",
                    ),
                ],
            },
        ),
        migrations.AddField(
            "Signature",
            "effect",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="signatures", to="agreement.effect"
            ),
        ),
        migrations.AddField(
            "Signature",
            "signer",
            models.BigIntegerField(
                null=True, help_text="The user's number when it was signed: it stays when the user goes."
            ),
        ),
        migrations.AddField("Signature", "seal", models.CharField(default="", max_length=64), preserve_default=False),
        migrations.RunSQL(FILL),
        migrations.RunPython(seal_old),
        migrations.RemoveConstraint("Signature", "one_signature_per_department"),
        migrations.RemoveField("Signature", "version"),
        migrations.AlterField("Signature", "effect", _to("effect", "signatures")),
        migrations.AlterField(
            "Signature",
            "signer",
            models.BigIntegerField(help_text="The user's number when it was signed: it stays when the user goes."),
        ),
        migrations.AddConstraint(
            "Signature", models.UniqueConstraint(fields=("effect", "department"), name="one_signature_per_department")
        ),
        migrations.RemoveField("Version", "effective_at"),
        migrations.RemoveField("Version", "superseded_at"),
        migrations.CreateModel(
            name="Thread",
            fields=[
                ("id", _key()),
                ("key", models.CharField(blank=True, max_length=80)),
                ("resolved_at", Instant(null=True)),
                ("opened_at", Instant()),
                ("resolved_by", _user()),
            ],
            options={"indexes": [models.Index(fields=["key", "opened_at"], name="thread_by_line")]},
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", _key()),
                ("department", models.CharField(blank=True, max_length=16)),
                ("at", Instant()),
                ("text", models.TextField()),
                ("by", _user()),
                ("thread", _to("thread", "comments")),
                ("version", _to("version")),
            ],
            options={"indexes": [models.Index(fields=["thread", "at"], name="comment_by_time")]},
        ),
        migrations.CreateModel(
            name="Rejudging",
            fields=[
                (
                    "effect",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="rejudging",
                        serialize=False,
                        to="agreement.effect",
                    ),
                ),
                ("total", models.BigIntegerField()),
                ("done", models.BigIntegerField(default=0)),
                ("changed", models.BigIntegerField(default=0)),
                ("handed_over", models.BigIntegerField(default=0)),
                ("last_lead", models.BigIntegerField(default=0)),
                ("started_at", Instant()),
                ("updated_at", Instant()),
                ("finished_at", Instant(null=True)),
                (
                    "overtaken",
                    models.BooleanField(default=False, help_text="Another version took effect before the end."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Bench",
            fields=[
                ("hash", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("canonical", models.BinaryField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("asked", "Asked"),
                            ("exporting", "Exporting"),
                            ("preparing", "Preparing"),
                            ("ready", "Ready"),
                            ("failed", "Failed"),
                        ],
                        default="asked",
                        max_length=9,
                    ),
                ),
                ("asked_at", Instant()),
                ("folder", models.CharField(blank=True, help_text="Below the data directory.", max_length=200)),
                ("start", Instant(null=True)),
                ("end", Instant(null=True)),
                ("stay", models.BigIntegerField(null=True, help_text="Microseconds.")),
                ("ready_at", Instant(null=True)),
                ("problem", models.TextField(blank=True)),
                ("asked_by", _user()),
            ],
        ),
        migrations.RunSQL(GUARDS),
        KeepFromApp("agreement_revision", "UPDATE, DELETE"),
        KeepFromApp("agreement_effect", "DELETE"),
        KeepFromApp("agreement_signature", "DELETE"),
    ]
