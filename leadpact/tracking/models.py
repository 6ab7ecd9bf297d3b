"""Opportunities and spend: what the market said, and what it cost."""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class Opportunity(models.Model):
    """A qualified need with a value, in the sales funnel. Money is in minor units (cents) of `currency`."""

    lead = models.OneToOneField("leads.Lead", on_delete=models.PROTECT, related_name="opportunity")
    opened_at = InstantField()
    value = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="USD")
    next_step = models.CharField(max_length=300, blank=True)
    closed_at = InstantField(null=True)
    won = models.BooleanField(null=True)


class Spend(models.Model):
    """Money spent on a channel on a day, in minor units. A correction is another row."""

    channel = models.CharField(max_length=60)
    campaign = models.CharField(max_length=200, blank=True)
    day = models.DateField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="USD")
    source_key = models.CharField(max_length=64, unique=True, help_text="Makes the import of a file safe to repeat.")

    class Meta:
        indexes = [models.Index(fields=["channel", "day"], name="spend_by_channel")]
