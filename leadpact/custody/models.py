"""The ledger (Entry), its side table of words, its projection (Holding) and broken promises (Lapse)."""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class Entry(models.Model):
    """One line of the ledger. Only grows; UPDATE, DELETE and TRUNCATE are refused by trigger.

    `holder`, `state` and the clock (`due`, `due_what`) are those after the move. `salesperson` is who holds the lead after
    it or, where Sales gives the lead back, who held it until then. `agreement` names a version by its hash, without a
    foreign key. `reason` is from a closed list: the agreement's for answers, attempt or conversation for a follow-up, the
    undone move for a correction. `hash` covers `previous` and every code of this row (rules/chain.py tells the bytes);
    words are covered by the salted `commitment` only.
    """

    # No foreign key of the database's: the trigger that checks a batch asks once for its first entries, not once an entry.
    lead = models.ForeignKey(
        "leads.Lead", on_delete=models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    seq = models.PositiveIntegerField()
    at = InstantField()
    move = models.CharField(max_length=20)
    holder = models.CharField(max_length=9)  # marketing | sales | closed
    state = models.CharField(max_length=12)
    actor = models.CharField(max_length=10)  # system | marketing | sales | operations
    user = models.ForeignKey("team.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    agreement = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    verdict = models.CharField(max_length=16, blank=True)  # of a judgement
    cause = models.CharField(max_length=12, blank=True)  # handed_over: definition | audit | by_hand; judged: version
    cause_touch = models.BigIntegerField(null=True)
    cause_seq = models.PositiveIntegerField(null=True)
    salesperson = models.ForeignKey("team.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due = InstantField(null=True)
    due_what = models.CharField(max_length=24, blank=True)
    not_before = InstantField(null=True)
    value = models.BigIntegerField(null=True)
    alternatives = models.BigIntegerField(null=True)
    commitment = models.BinaryField(null=True)
    previous = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "seq"], name="ledger_in_sequence")]
        indexes = [
            models.Index(fields=["at"], name="ledger_by_time"),
            models.Index(fields=["move", "at"], name="ledger_by_move"),
        ]


class Words(models.Model):
    """What somebody wrote beside an entry, under the person's key: erasure destroys the key, the chain still verifies."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.CASCADE, related_name="words")
    sealed = models.BinaryField()


class Holding(models.Model):
    """Who holds the lead now: the projection of its entries (rules/projection.py), written with them.

    `leadpact custody verify` plays the entries again and compares. `at` is the last entry's instant, `since` that of the last
    change of holder or state. `due`/`due_what`: the one running clock. `alternatives`: which alternatives of sales_ready held
    when Sales last gave the lead back or it was closed (only others can wake it). `offers`: offers in a row that ran out.
    """

    lead = models.OneToOneField("leads.Lead", primary_key=True, on_delete=models.PROTECT, related_name="holding")
    seq = models.PositiveIntegerField()
    at = InstantField()
    hash = models.BinaryField()
    holder = models.CharField(max_length=9)
    state = models.CharField(max_length=12)
    since = InstantField()
    verdict = models.CharField(max_length=16, default="prospect")
    salesperson = models.ForeignKey(
        "team.User", null=True, on_delete=models.PROTECT, related_name="holdings", db_index=False
    )
    cause = models.CharField(
        max_length=12, blank=True, help_text="Of the last hand-over. Never shown to whoever can be routed to."
    )
    due = InstantField(null=True)
    due_what = models.CharField(max_length=24, blank=True)
    lapsed = models.BooleanField(default=False, help_text="The running clock has run out and that was noticed.")
    not_before = InstantField(null=True)
    offered_at = InstantField(null=True)
    accepted_at = InstantField(null=True)
    followed_up_at = InstantField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    offers = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=40, blank=True, help_text="The last reason Sales gave.")
    refused_by = models.JSONField(default=list, help_text="[user id, reason, instant] of each refusal, the last 20.")
    alternatives = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(holder__in=["marketing", "sales", "closed"]), name="one_of_the_holders"
            ),
            models.CheckConstraint(
                condition=models.Q(holder="closed") | models.Q(due__isnull=False) | models.Q(state="new"),
                name="no_lead_without_a_clock",
            ),
        ]
        indexes = [
            models.Index(fields=["due"], name="clock_due", condition=models.Q(lapsed=False, due__isnull=False)),
            models.Index(fields=["holder", "state"], name="holding_by_state"),
            models.Index(fields=["salesperson", "state"], name="holding_by_salesperson"),
        ]


class Lapse(models.Model):
    """A clock ran out: a promise was broken. `what` is the clock's name, `noticed_at` when it was seen."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="lapses")
    seq = models.PositiveIntegerField()
    what = models.CharField(max_length=24)
    side = models.CharField(max_length=9)
    due = InstantField()
    noticed_at = InstantField()
    salesperson = models.ForeignKey("team.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "seq", "what", "due"], name="a_promise_breaks_once")]
        indexes = [models.Index(fields=["noticed_at"], name="lapse_by_time")]
