"""Blind audits (the weekly frame, its strata, who was drawn with what probability) and the regular reviews."""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class Frame(models.Model):
    """The pool of one week, frozen: who could be drawn, and what was left out."""

    week = models.DateField(unique=True, help_text="Its Monday.")
    frozen_at = InstantField()
    agreement_hash = models.CharField(max_length=64)
    seed = models.CharField(max_length=64)
    left_out = models.JSONField(default=dict, help_text="Why not covered → how many.")


class Stratum(models.Model):
    """Near or far from the threshold: N in the frame, n drawn."""

    frame = models.ForeignKey(Frame, on_delete=models.CASCADE, related_name="strata")
    name = models.CharField(max_length=8)  # near | far
    size = models.PositiveIntegerField()
    drawn = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["frame", "name"], name="one_stratum_per_name")]


class Member(models.Model):
    """A lead in a week's frame."""

    stratum = models.ForeignKey(Stratum, on_delete=models.CASCADE, related_name="members")
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stratum", "lead"], name="once_per_frame")]


class Audit(models.Model):
    """A drawn lead: its probability, when it went to Sales, and Sales' final answer.

    answer: 1 Sales qualified it, 0 Sales blamed definition or timing, null missing. `caught`: it graduated by itself first.
    `ready_anyway`: released, and it would have graduated that same week on touches that the audit did not cause.
    """

    stratum = models.ForeignKey(Stratum, on_delete=models.PROTECT, related_name="audits")
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="audits")
    probability_n = models.PositiveIntegerField()
    probability_of = models.PositiveIntegerField()
    release_at = InstantField()
    released_at = InstantField(null=True)
    salesperson = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = InstantField(null=True)
    answer = models.SmallIntegerField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    caught = models.BooleanField(default=False)
    ready_anyway = models.BooleanField(
        null=True, help_text="In shadow it became sales-ready that same week; null until the week has passed."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stratum", "lead"], name="drawn_once_per_frame")]
        indexes = [
            models.Index(fields=["release_at"], name="audit_to_release", condition=models.Q(released_at__isnull=True)),
            models.Index(fields=["lead"], name="audit_by_lead"),
        ]


class Guess(models.Model):
    """What somebody said after a final answer, asked "was this a check?". `guess`: None where they passed it over.

    `seq`: the ledger entry of their answer. `was_check` is never shown beside a single guess.
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="+")
    seq = models.PositiveIntegerField()
    user = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    at = InstantField()
    guess = models.BooleanField(null=True)
    was_check = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "seq"], name="asked_once_per_answer")]
        indexes = [models.Index(fields=["at"], name="guess_by_time")]


class Review(models.Model):
    """A regular review of [since, until), frozen as of an instant: it is read again to the digit, and never changes (trigger).

    `content` holds figures and codes: no names and no words of or about people, which are read when the review is, so that
    whoever is erased is erased here too. `digest`: SHA-256 of it. `seed` drew the disputed leads.
    """

    number = models.PositiveIntegerField(unique=True)
    since = InstantField()
    until = InstantField()
    as_of = InstantField()
    timezone = models.CharField(max_length=64, default="UTC", help_text="The market's, in which its days are told.")
    agreement_hash = models.CharField(max_length=64, blank=True)
    seed = models.CharField(max_length=64)
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    meeting_at = InstantField(
        null=True, unique=True, help_text="The meeting that the agreement names; null: asked for by hand."
    )
    prepared_at = InstantField()
    prepared_by = models.ForeignKey("team.User", null=True, on_delete=models.PROTECT, related_name="+")


class ReviewNote(models.Model):
    """What the meeting wrote down: on one of the leads it read, or (lead is null) on the whole."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="notes")
    lead = models.ForeignKey("leads.Lead", null=True, on_delete=models.PROTECT, related_name="+")
    decided = models.BooleanField(default=False, help_text="A decision, not only a remark.")
    text = models.TextField()
    by = models.ForeignKey("team.User", on_delete=models.PROTECT, related_name="+")
    at = InstantField()
    lead_id: int | None


class ReviewMail(models.Model):
    """One mail of a review to somebody. Claimed before it goes out, so that a crash can lose it and never send it twice."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="mails")
    user = models.ForeignKey("team.User", on_delete=models.CASCADE, related_name="+")
    claimed_at = InstantField(null=True)
    sent_at = InstantField(null=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "user"], name="one_mail_of_a_review")]
