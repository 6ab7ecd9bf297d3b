"""People of the team: what they do, their hours, being away, leaving and coming back."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from leadpact.kit.failures import CannotDo
from leadpact.team.models import Absence, ApiKey, Department, Role, User
from leadpact.team.permissions import manages

# A department follows from the role where it can; managers and salespeople of either side say which.
_DEPARTMENT_OF = {Role.MARKETER: Department.MARKETING, Role.SALESPERSON: Department.SALES, Role.OPERATIONS: ""}


@transaction.atomic
def change_work(
    *,
    user: User,
    by: User,
    role: str,
    department: str,
    takes_leads: bool,
    weight: int,
    cap: int,
    is_catch_all: bool,
    hours: Mapping[str, object] | None,
) -> None:
    """Set role and routing. Whoever becomes owner of the catch-all queue takes it from the one before.

    Raises CannotDo where the asker may not, where operations would be left without anybody, or where somebody who
    takes leads would have no department.
    """
    user = _locked(user)
    if not (manages(by, user.role) and manages(by, role)):
        raise CannotDo("Only operations can change somebody of operations, or move somebody there.")
    if user.role == Role.OPERATIONS and role != Role.OPERATIONS:
        _somebody_else_in_operations(user)
    if is_catch_all and not user.is_active:
        raise CannotDo("The owner of the catch-all queue needs an open account.")
    if is_catch_all:
        User.objects.filter(is_catch_all=True).exclude(pk=user.pk).update(is_catch_all=False)
    user.role = role
    user.department = _DEPARTMENT_OF.get(Role(role), department)
    user.takes_leads, user.weight, user.cap = takes_leads, weight, cap
    user.is_catch_all, user.hours = is_catch_all, dict(hours) if hours else None
    user.save()


def change_profile(*, user: User, name: str, timezone: str) -> None:
    """One's own name and zone."""
    user.name, user.timezone = name.strip(), timezone
    user.save(update_fields=["name", "timezone"])


@transaction.atomic
def go_away(*, user: User, by: User, starts_at: int, ends_at: int, note: str = "") -> Absence:
    """Enter an absence: no leads meanwhile. One's own, or that of somebody the asker manages."""
    if by.pk != user.pk and not manages(by, user.role):
        raise CannotDo("Only their manager can enter this person's absence.")
    if ends_at <= starts_at:
        raise CannotDo("The last day comes before the first.")
    if Absence.objects.filter(user=user, starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
        raise CannotDo("An absence stands in these days already; remove it first.")
    return Absence.objects.create(user=user, starts_at=starts_at, ends_at=ends_at, note=note.strip())


@transaction.atomic
def come_back(*, absence_id: int, by: User) -> User:
    """Remove an absence. Returns whose it was."""
    absence = Absence.objects.select_for_update().select_related("user").filter(pk=absence_id).first()
    if absence is None:
        raise CannotDo("This absence is gone already.")
    if by.pk != absence.user.pk and not manages(by, absence.user.role):
        raise CannotDo("Only their manager can remove this absence.")
    absence.delete()
    return absence.user


@transaction.atomic
def close_account(*, user: User, by: User, at: int) -> None:
    """They cannot log in any more, take no leads, and their keys end. What they hold is handed over before (distribution).

    Raises CannotDo for oneself, for the last of operations, for the owner of the catch-all queue.
    """
    user = _locked(user)
    if not manages(by, user.role):
        raise CannotDo("Only operations can close this account.")
    if by.pk == user.pk:
        raise CannotDo("You cannot close your own account; ask a colleague.")
    if user.role == Role.OPERATIONS:
        _somebody_else_in_operations(user)
    if user.is_catch_all:
        raise CannotDo("This person owns the catch-all queue; give it to somebody else first.")
    user.is_active, user.takes_leads = False, False
    user.save(update_fields=["is_active", "takes_leads"])
    ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=at)


@transaction.atomic
def open_account(*, user: User, by: User) -> None:
    """They may log in again; taking leads is switched on separately."""
    if not manages(by, user.role):
        raise CannotDo("Only operations can open this account.")
    user.is_active = True
    user.save(update_fields=["is_active"])


def _locked(user: User) -> User:
    # What was read for the page may be old: two managers at once must not leave two owners, or none in operations.
    return User.objects.select_for_update().get(pk=user.pk)


def _somebody_else_in_operations(user: User) -> None:
    others = User.objects.select_for_update().filter(role=Role.OPERATIONS, is_active=True).exclude(pk=user.pk)
    if not others.exists():
        raise CannotDo("Somebody must remain in operations; give the role to a colleague first.")
