"""Plain records without verbs: who (Person, Account, Visitor), what they did (Touch), what we knew when (AttributeFact), Lead.

Text of attributes and properties is held twice: as it came (`traits`, `properties`) for people to read, and folded
(`cells`) for engines to compare: {name: {"t": folded text, "n": number × 10^6, "b": boolean, "w": words}}.
"""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class Account(models.Model):
    """A company. `domain` is its e-mail domain, folded; free-mail domains never make an account."""

    name = models.CharField(max_length=300, blank=True)
    domain = models.CharField(max_length=253, null=True, unique=True)
    owner = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="accounts")
    traits = models.JSONField(default=dict)
    cells = models.JSONField(default=dict, help_text="Current values: 'account.industry' → cell.")
    created_at = InstantField()

    class Meta:
        indexes = [models.Index(fields=["name"], name="account_by_name")]


class Person(models.Model):
    """Somebody we know: an e-mail address or a user id ties them to us."""

    account_id: int | None
    merged_into_id: int | None

    account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="people")
    account_known_at = InstantField(null=True, help_text="Since when we know it.")
    email = models.CharField(max_length=320, null=True, unique=True, help_text="Folded.")
    email_verified = models.BooleanField(default=True, help_text="False where only a public key claimed it.")
    name = models.CharField(max_length=300, blank=True)
    title = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    traits = models.JSONField(default=dict)
    cells = models.JSONField(default=dict, help_text="Current values: 'person.title' → cell.")
    opted_out = models.BooleanField(default=False)
    merged_into = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="absorbed",
        help_text="Of two records the one that stays.",
    )
    ties_version = models.PositiveIntegerField(
        db_default=0, help_text="Grows when trails come or go by a merger: whoever read them before starts afresh."
    )
    secret = models.BinaryField(help_text="Key of the words written about this person; destroyed by erasure.")
    created_at = InstantField()


class Visitor(models.Model):
    """A trail of touches. Anonymous until tied to a person, once; the tie is a fact with its own instants."""

    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="visitors")
    tied_at = InstantField(null=True)
    tied_known_at = InstantField(null=True)
    created_at = InstantField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(person__isnull=True, tied_at__isnull=True, tied_known_at__isnull=True)
                | models.Q(person__isnull=False, tied_at__isnull=False, tied_known_at__isnull=False),
                name="a_tie_has_its_instants",
            ),
        ]


class Identifier(models.Model):
    """What a caller calls a visitor: an e-mail, a user id, an anonymous id. Each belongs to one visitor for ever."""

    kind = models.CharField(max_length=12)  # email | user_id | anonymous_id
    value = models.CharField(max_length=320)
    visitor = models.ForeignKey(Visitor, on_delete=models.PROTECT, related_name="identifiers")
    created_at = InstantField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="one_visitor_per_identifier")]


class Merge(models.Model):
    """Somebody decided that two records are one person: the survivor stays, the loser's trails and needs join it.

    A fact with its instants: a judgement as of before `at`, or as of `undone_at` and later, does not see it. `before`: what
    undoing needs; emptied by undoing and by erasure. `loser_lead`: the open lead that was closed by it, if there was one.
    """

    survivor_id: int
    loser_id: int
    survivor_lead_id: int | None
    loser_lead_id: int | None
    survivor = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="mergers")
    loser = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    survivor_lead = models.ForeignKey("leads.Lead", null=True, on_delete=models.PROTECT, related_name="+")
    loser_lead = models.ForeignKey("leads.Lead", null=True, on_delete=models.PROTECT, related_name="+")
    at = InstantField()
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    undone_at = InstantField(null=True)
    undone_by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    before = models.JSONField(default=dict)
    gave_account_id: int | None
    gave_account = models.ForeignKey(
        "leads.Account",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The survivor had none of its own and got this one.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["loser"], condition=models.Q(undone_at__isnull=True), name="merged_into_one_only"
            ),
            models.CheckConstraint(condition=~models.Q(survivor=models.F("loser")), name="not_into_itself"),
        ]


class Tie(models.Model):
    """Whose a trail was since when, where a merger moved it. Only grows; a trail without rows was never moved.

    `at` is when the person turned out to be behind the trail, `known_at` when we learnt of this tie: the last one known by
    an instant is the one that a judgement as of that instant sees.
    """

    visitor = models.ForeignKey(Visitor, on_delete=models.PROTECT, related_name="ties")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = InstantField()
    known_at = InstantField()
    merge = models.ForeignKey(Merge, on_delete=models.PROTECT, related_name="ties")


class Lead(models.Model):
    """A need of a person that may become a sale. At most one is open per person.

    `counts_from`: touches up to this instant belong to an earlier lead of the person and do not count for this one; they do
    for the account.
    `sourced_by`: marketing, sales (own prospecting) or referral; `source`: the reporting channel.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="leads")
    created_at = InstantField()
    counts_from = InstantField(null=True)
    is_open = models.BooleanField(default=True)
    sourced_by = models.CharField(max_length=12, default="marketing")
    source = models.CharField(max_length=60, default="unknown")
    campaign = models.CharField(max_length=200, blank=True)
    traits = models.JSONField(default=dict)
    cells = models.JSONField(default=dict, help_text="Current values: 'lead.timeline_months' → cell.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(is_open=True), name="one_open_lead_per_person"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="lead_by_creation")]


class Touch(models.Model):
    """Something that happened between us and a visitor. Never changed afterwards (trigger)."""

    # No foreign key of the database's: a trigger asks once for a batch, not once for a touch.
    visitor = models.ForeignKey(
        Visitor, on_delete=models.PROTECT, related_name="touches", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=60)
    at = InstantField()
    known_at = InstantField()
    void_at = InstantField(null=True, help_text="Set at arrival where the touch was seen to be automated.")
    channel = models.CharField(max_length=60, blank=True)
    campaign = models.CharField(max_length=200, blank=True)
    user = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    properties = models.JSONField(default=dict)
    cells = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["visitor", "at"], name="touch_by_visitor")]


class TouchVoid(models.Model):
    """A touch was withdrawn, or found to be automated, later than it came. Only grows."""

    touch = models.OneToOneField(Touch, on_delete=models.PROTECT, related_name="void")
    cause = models.CharField(max_length=12, choices=[("withdrawn", "withdrawn"), ("automated", "automated")])
    known_at = InstantField()
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")


class AttributeFact(models.Model):
    """A value that an attribute had from `at` on, as we learnt it at `known_at`. Only grows.

    `subject`: 'person', 'account' or 'lead'; `field`: the full name, 'account.industry'.
    """

    subject = models.CharField(max_length=8)
    subject_id = models.BigIntegerField()
    field = models.CharField(max_length=120)
    cell = models.JSONField()
    at = InstantField()
    known_at = InstantField()

    class Meta:
        indexes = [models.Index(fields=["subject", "subject_id", "field", "at"], name="fact_by_subject")]


class Erasure(models.Model):
    """That somebody's data was erased, when and by whom; `counts` says how much of what. Nothing personal, and no number
    that leads back to a person.
    """

    at = InstantField()
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    counts = models.JSONField(default=dict)
