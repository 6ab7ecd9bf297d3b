"""Offers of leads to salespeople, each with its stored reason, and the shares behind fair routing."""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class Offer(models.Model):
    """A lead was put before a salesperson (or the catch-all queue's owner), and how that ended.

    `why`: {"rule": "account_owner" | "fair_share" | "catch_all" | "own_prospect" | "by_hand", "says": sentence,
    "considered": [user ids], "passed_over": [[user id, reason], …]}. It never tells the cause of the hand-over.
    """

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="offers")
    seq = models.PositiveIntegerField(help_text="Of the ledger entry that made the offer.")
    salesperson = models.ForeignKey("team.User", null=True, on_delete=models.PROTECT, related_name="offers")
    offered_at = InstantField()
    due = InstantField(null=True)
    ended_at = InstantField(null=True)
    outcome = models.CharField(max_length=12, blank=True)  # accepted | rejected | recalled | reassigned | withdrawn
    why = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=models.Q(ended_at__isnull=True), name="one_open_offer_per_lead"
            ),
        ]
        indexes = [models.Index(fields=["salesperson", "ended_at"], name="offer_by_salesperson")]


class Share(models.Model):
    """Weighted fair queueing: `served` grows by 10^6 / weight with each lead; the lowest is next.

    Who comes back from an absence starts at the present level, so that absence is not caught up with.
    """

    user = models.OneToOneField("team.User", primary_key=True, on_delete=models.CASCADE)
    served = models.BigIntegerField(default=0)
