"""People who use the product, their roles, hours and keys."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models

from leadpact.kit.instants import InstantField


class Role(models.TextChoices):
    MARKETER = "marketer", "Marketer"
    SALESPERSON = "salesperson", "Salesperson"
    MANAGER = "manager", "Manager"
    OPERATIONS = "operations", "Operations"


class Department(models.TextChoices):
    MARKETING = "marketing", "Marketing"
    SALES = "sales", "Sales"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        fields.setdefault("role", Role.OPERATIONS)
        fields.update(is_staff=True, is_superuser=True)
        return self.create_user(email, password, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who logs in. `department` says for which side they speak and sign; operations has none."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices)
    department = models.CharField(max_length=16, choices=Department.choices, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    timezone = models.CharField(max_length=64, default="UTC")
    date_joined = models.DateTimeField(auto_now_add=True)

    # Routing: only for those who take leads.
    takes_leads = models.BooleanField(default=False)
    weight = models.PositiveSmallIntegerField(default=1, help_text="Share of leads against colleagues'.")
    cap = models.PositiveSmallIntegerField(default=40, help_text="Most leads in hand at a time.")
    is_catch_all = models.BooleanField(default=False, help_text="Owns the queue that takes what nobody else can.")
    hours = models.JSONField(
        null=True, blank=True, help_text='Own working hours, {"mon-fri": "09:00-17:00"}; empty: the market\'s.'
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_catch_all"], condition=models.Q(is_catch_all=True), name="one_catch_all_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email


class Absence(models.Model):
    """A stretch of time in which a person takes no leads; clocks of theirs do not stop."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absences")
    starts_at = InstantField()
    ends_at = InstantField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "starts_at", "ends_at"], name="absence_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="absence_ends_after_start"
            )
        ]


class Invitation(models.Model):
    """A link that makes an account or sets a new password, once. Only a hash of its secret is kept."""

    email = models.EmailField()
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, blank=True)
    department = models.CharField(max_length=16, choices=Department.choices, blank=True)
    purpose = models.CharField(max_length=8, choices=[("invite", "invite"), ("reset", "reset")])
    secret_hash = models.CharField(max_length=64, unique=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField()
    expires_at = InstantField()
    used_at = InstantField(null=True)


class ApiKey(models.Model):
    """A bearer key of the REST API. Only a hash of its secret is kept; it sees what its user may see."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list, help_text='"read", "write"')
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="api_keys", help_text="Empty: acts as operations."
    )
    created_at = InstantField()
    revoked_at = InstantField(null=True)


class ApiCall(models.Model):
    """A write over the REST API that was sent with an Idempotency-Key, and its answer, for a day.

    The row is made in the transaction of the write itself: both are there, or neither. `lead_id` says whom the
    answer speaks of (no foreign key: leads are a floor above), so that an erasure finds it.
    """

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="calls")
    idempotency_key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of address and body, hexadecimal.")
    lead_id = models.BigIntegerField(db_index=True)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(default=b"")
    created_at = InstantField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "idempotency_key"], name="one_call_per_idempotency_key")]
        indexes = [models.Index(fields=["created_at"], name="api_call_by_age")]
