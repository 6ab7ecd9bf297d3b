"""Keys, receipts and imports: what guards and remembers the door."""

from __future__ import annotations

from django.db import models

from leadpact.kit.instants import InstantField


class WriteKey(models.Model):
    """Lets a caller send touches. A server key is trusted; a public one sits in web pages and only claims."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    is_public = models.BooleanField(default=False)
    origins = models.JSONField(default=list)
    per_minute = models.PositiveIntegerField(default=600, help_text="Calls a minute; public keys only.")
    created_at = InstantField()
    revoked_at = InstantField(null=True)


class Receipt(models.Model):
    """A message that was taken, exact and for ever. `message`: 16 bytes of BLAKE2b over key id and message id."""

    message = models.BinaryField(primary_key=True)
    known_at = InstantField()


class ImportRun(models.Model):
    """One import of a file: what was read, what was refused, who did it."""

    role = models.CharField(max_length=12)  # leads | touches | outcomes | spend
    file_name = models.CharField(max_length=300)
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = InstantField()
    ended_at = InstantField(null=True)
    dry_run = models.BooleanField(default=False)
    mapping = models.JSONField(default=dict)
    read = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    rejects = models.TextField(blank=True, help_text="CSV: line, reason, row; the first 10,000.")


class Duplicate(models.Model):
    """Two known people who may be one. Only a person decides; no machine merges them."""

    first = models.ForeignKey("leads.Person", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("leads.Person", on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=200)
    found_at = InstantField()
    decided_at = InstantField(null=True)
    decision = models.CharField(max_length=10, blank=True)  # same | different
    by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="one_question_per_pair")]
