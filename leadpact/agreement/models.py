"""Versions of the agreement and who signed them. What is signed never changes (trigger)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from leadpact.kit.instants import InstantField

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Version(models.Model):
    """One version: the file as written, and its canonical form, which is what runs.

    draft → proposed → signed (by one person of each department) → in force from `effective_at` until `superseded_at`.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        PROPOSED = "proposed"
        SIGNED = "signed"

    number = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=200)
    source = models.TextField(help_text="The YAML as its authors wrote it.")
    canonical = models.BinaryField(null=True, help_text="What was signed, with every list and holiday resolved.")
    hash = models.CharField(max_length=64, null=True, unique=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    created_by = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField()
    effective_at = InstantField(null=True)
    superseded_at = InstantField(null=True)
    signatures: RelatedManager[Signature]


class Signature(models.Model):
    """One department's word for a version."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="signatures")
    department = models.CharField(max_length=16)
    user = models.ForeignKey("team.User", null=True, on_delete=models.SET_NULL, related_name="signatures")
    hash = models.CharField(max_length=64, help_text="Of the canonical form that was signed.")
    at = InstantField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "department"], name="one_signature_per_department")]
