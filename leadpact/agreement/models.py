"""Versions of the agreement, their times in force, who signed them, and what was said on the way.

A version is a meaning: one canonical form, one hash. An effect puts a version in force: proposed once, signed for itself by one
person of each department, from an instant until the next effect's. The same version can take effect again, by new signatures.
What was frozen or signed never changes (triggers); a draft's texts only grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from leadpact.kit.instants import InstantField

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Version(models.Model):
    """One version: the file as written, and its canonical form, which is what runs. `status`: how far it ever came.

    draft → proposed → signed; proposed → withdrawn → proposed again. Whether it is in force now, its effects say.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        PROPOSED = "proposed"
        WITHDRAWN = "withdrawn"
        SIGNED = "signed"

    number = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=200)
    source = models.TextField(help_text="The YAML as its authors wrote it: of a draft, its latest revision.")
    canonical = models.BinaryField(null=True, help_text="What was signed, with every list and holiday resolved.")
    hash = models.CharField(max_length=64, null=True, unique=True)
    unicode = models.CharField(
        max_length=16,
        db_default="",
        blank=True,
        help_text="Whose tables folded it when it was frozen; empty: frozen before that was kept.",
    )
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    created_by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField()
    effects: RelatedManager[Effect]
    revisions: RelatedManager[Revision]


class Revision(models.Model):
    """A text of a draft as somebody saved it; only grows. `number` counts within the version, from 1.

    `base`: the revision that its author had before them. `aside`: somebody else had saved meanwhile; the text as it was written
    is kept beside the draft. `settles`: this text holds both, the draft's and the one that was kept aside under that number.
    """

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    source = models.TextField()
    base = models.PositiveIntegerField(null=True)
    aside = models.BooleanField(default=False)
    settles = models.PositiveIntegerField(null=True)
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    at = InstantField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "number"], name="revisions_in_sequence")]


class Effect(models.Model):
    """A proposal to put a version in force, and, once both departments signed it, its time in force.

    `wanted_at`: the instant both sign for; null: at once with the second signature. `effective_at`: the instant it began or will
    begin. It ends where the next one begins. Withdrawn: by its proposers while it waits, by either head until it begins.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        SIGNED = "signed"
        WITHDRAWN = "withdrawn"

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="effects")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PROPOSED)
    proposed_by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    proposed_at = InstantField()
    wanted_at = InstantField(null=True)
    why = models.CharField(max_length=500, blank=True)
    effective_at = InstantField(null=True)
    withdrawn_by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    withdrawn_at = InstantField(null=True)
    signatures: RelatedManager[Signature]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(status="proposed"), name="one_open_proposal_per_version"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="signed") | models.Q(effective_at__isnull=False),
                name="signed_has_an_instant",
            ),
            # What has begun has decided who got leads: it cannot be taken back, only followed by another.
            models.CheckConstraint(
                condition=models.Q(withdrawn_at__isnull=True)
                | models.Q(effective_at__isnull=True)
                | models.Q(withdrawn_at__lt=models.F("effective_at")),
                name="withdrawn_before_it_began",
            ),
        ]
        indexes = [
            models.Index(fields=["effective_at"], name="effect_by_time", condition=models.Q(status="signed")),
        ]


class Signature(models.Model):
    """One department's word for an effect. `seal`: over all that was signed (rules/seal.py)."""

    effect = models.ForeignKey(Effect, on_delete=models.PROTECT, related_name="signatures")
    department = models.CharField(max_length=16)
    user = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="signatures")
    signer = models.BigIntegerField(help_text="The user's number when it was signed: it stays when the user goes.")
    hash = models.CharField(max_length=64, help_text="Of the canonical form that was signed.")
    seal = models.CharField(max_length=64)
    at = InstantField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["effect", "department"], name="one_signature_per_department")]


class Thread(models.Model):
    """What both departments say about a line. `key`: the line's id, a verdict's clause, or empty for the whole.

    It belongs to the key, not to a version: it is there again in the next version that has such a line.
    """

    key = models.CharField(max_length=80, blank=True)
    resolved_by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    resolved_at = InstantField(null=True)
    opened_at = InstantField()
    comments: RelatedManager[Comment]

    class Meta:
        indexes = [models.Index(fields=["key", "opened_at"], name="thread_by_line")]


class Comment(models.Model):
    """One remark, with the version its author was reading."""

    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="comments")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    department = models.CharField(max_length=16, blank=True)
    at = InstantField()
    text = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["thread", "at"], name="comment_by_time")]


class Rejudging(models.Model):
    """How far a change of version has come: everybody is judged by it, set by set, in the order of leads.

    `last_lead`: up to whom; a job that was killed goes on there. `changed`: verdicts that the version changed, not the person.
    """

    effect = models.OneToOneField(Effect, primary_key=True, on_delete=models.PROTECT, related_name="rejudging")
    total = models.BigIntegerField()
    done = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    handed_over = models.BigIntegerField(default=0)
    last_lead = models.BigIntegerField(default=0)
    started_at = InstantField()
    updated_at = InstantField()
    finished_at = InstantField(null=True)
    overtaken = models.BooleanField(default=False, help_text="Another version took effect before the end.")


class Bench(models.Model):
    """History made ready for the workshop, for one meaning (a version's or a draft's): where the files are, or how far that is.

    `canonical`: that meaning; a draft's text may have moved on. `stay`: how long Sales kept a lead until its answer, on average.
    """

    class Status(models.TextChoices):
        ASKED = "asked"
        EXPORTING = "exporting"
        PREPARING = "preparing"
        READY = "ready"
        FAILED = "failed"

    hash = models.CharField(max_length=64, primary_key=True)
    canonical = models.BinaryField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ASKED)
    asked_by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = InstantField()
    folder = models.CharField(max_length=200, blank=True, help_text="Below the data directory.")
    start = InstantField(null=True)
    end = InstantField(null=True)
    stay = models.BigIntegerField(null=True, help_text="Microseconds.")
    ready_at = InstantField(null=True)
    problem = models.TextField(blank=True)

    @property
    def is_under_way(self) -> bool:
        """A job has it, or will."""
        return self.status in {"asked", "exporting", "preparing"}
