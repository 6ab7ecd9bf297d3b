"""The latest verdict on each lead, and how far time has been let pass."""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class Judgement(models.Model):
    """The latest verdict on a lead. Scores and parts are thousandths of a point.

    Earlier verdicts are in the ledger (moves `judged`); any of them can be computed again.
    `next_tick` is the first full hour at which time alone could change the verdict, or the midnight, if earlier, at which scores
    are brought up to date that may have moved by a point; null: never; 0: judged by the next sweep.
    """

    lead = models.OneToOneField("leads.Lead", primary_key=True, on_delete=models.CASCADE, related_name="judgement")
    as_of = InstantField()
    agreement_hash = models.CharField(max_length=64)
    verdict = models.CharField(max_length=16)
    decided_by = models.CharField(max_length=40, blank=True)
    fit = models.BigIntegerField(default=0)
    engagement = models.BigIntegerField(default=0)
    readiness = models.BigIntegerField(default=0)
    parts = models.JSONField(default=dict, help_text="Line id → thousandths after the cap, null where unknown.")
    alternatives = models.BigIntegerField(default=0, help_text="Bit n: the n-th alternative of sales_ready held.")
    cools = models.BooleanField(default=False)
    may_cool = models.BooleanField(
        db_default=False,
        help_text="Since its acceptance it was once not below `cools`: it can fall through (Meaning 11).",
    )
    distance = models.BigIntegerField(null=True, help_text="Thousandths missing to sales_ready; null: far.")
    next_tick = InstantField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_tick"], name="judgement_due", condition=models.Q(next_tick__isnull=False))
        ]


class Sweep(models.Model):
    """One row: the last full hour up to which time was let pass, and when that was done."""

    ticked_until = InstantField()
    done_at = InstantField()


class Tick(models.Model):
    """A full hour at which verdicts were taken because time had passed: how many, and when the last of them was.

    An hour that could change nobody's verdict has no row. Lateness is `done_at` − `hour`.
    """

    hour = InstantField(primary_key=True)
    done_at = InstantField()
    judged = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(done_at__gte=models.F("hour")), name="a_tick_is_done_after_its_hour"
            )
        ]
