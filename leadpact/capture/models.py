"""Keys, receipts and imports: what guards and remembers the door."""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class WriteKey(models.Model):
    """Lets a caller send touches. A server key is trusted; a public one sits in web pages and only claims."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(
        max_length=12, help_text="The first letters of the secret, so that people can tell keys apart."
    )
    secret_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256; the secret itself is shown once.")
    is_public = models.BooleanField(default=False)
    origins = models.JSONField(
        default=list, help_text='Of web pages that may use a public key: ["https://northwind.example"].'
    )
    per_minute = models.PositiveIntegerField(default=3_000, help_text="Events a minute; public keys only.")
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField()
    last_used_at = InstantField(null=True, help_text="To the minute.")
    revoked_at = InstantField(null=True)


class Receipt(models.Model):
    """A message that was taken, exact and for ever. `message`: 16 bytes of BLAKE2b over key id and message id."""

    message = models.BinaryField(primary_key=True)
    known_at = InstantField()


class Pace(models.Model):
    """Events of a public key in a minute: what its rate limit counts. Old minutes are swept away."""

    key = models.ForeignKey(WriteKey, on_delete=models.CASCADE, related_name="+")
    minute = models.BigIntegerField(help_text="Whole minutes since 1970.")
    events = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "minute"], name="one_pace_per_minute")]


class Refusal(models.Model):
    """How many events of a key were refused in an hour, by reason. Counts only: nothing of what was sent."""

    key = models.ForeignKey(WriteKey, null=True, on_delete=models.CASCADE, related_name="refusals")
    hour = models.BigIntegerField(help_text="Whole hours since 1970.")
    code = models.CharField(max_length=20)
    events = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "hour", "code"], name="one_count_per_reason", nulls_distinct=False),
        ]


class ImportRun(models.Model):
    """One import of a file: what was read, what was refused, who did it.

    From the command line it runs at once. On the page it is looked at first (a dry run), and waits for a yes.
    """

    role = models.CharField(max_length=12)  # leads | touches | outcomes | spend
    file_name = models.CharField(max_length=300)
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = InstantField()
    ended_at = InstantField(null=True)
    dry_run = models.BooleanField(default=False)
    state = models.CharField(
        max_length=8,
        default="running",
        choices=[(s, s) for s in ("looked", "waiting", "running", "done", "failed", "dropped")],
        help_text="looked: a dry run that waits for a yes; waiting: for a worker.",
    )
    mapping = models.JSONField(default=list, help_text='As on the command line: ["created_at=First contact"].')
    report = models.JSONField(default=list, help_text="What was read and how, line by line.")
    error = models.TextField(blank=True)
    read = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0, help_text="Leads that the import made.")
    rejects = models.TextField(blank=True, help_text="CSV: line, reason, row; the first 10,000.")

    class Meta:
        indexes = [models.Index(fields=["-started_at"], name="import_by_start")]


class ImportPart(models.Model):
    """A piece of an uploaded file that waits for its import; gone once it is taken or dropped.

    In the database and not in a folder, because the worker may run on another machine.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_part_per_number")]


class Duplicate(models.Model):
    """Two known people who may be one. Only a person decides; no machine merges them."""

    first_id: int
    second_id: int
    by_id: int | None

    first = models.ForeignKey("leads.Person", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("leads.Person", on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=200)
    found_at = InstantField()
    decided_at = InstantField(null=True)
    decision = models.CharField(max_length=10, blank=True)  # same | different
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="one_question_per_pair")]
