"""Reads of the team."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from leadpact.kit import tokens
from leadpact.kit.failures import CannotDo
from leadpact.team.models import Absence, ApiKey, Department, Invitation, Role, User

ROLES: Sequence[tuple[str, str]] = [(role.value, str(role.label)) for role in Role]
DEPARTMENTS: Sequence[tuple[str, str]] = [(side.value, str(side.label)) for side in Department]


def role_words(role: str) -> str:
    """'operations' → 'Operations'."""
    return str(Role(role).label)


def department_words(department: str) -> str:
    """'sales' → 'Sales'; nothing for nobody."""
    return str(Department(department).label) if department else ""


def is_away(user: User) -> bool:
    """What `people` found out about them."""
    return bool(getattr(user, "away", False))


def nobody_yet() -> bool:
    """Whether this installation waits for its first account."""
    return not User.objects.exists()


def people(*, at: int) -> QuerySet[User]:
    """Everybody, with `away`: whether an absence of theirs runs."""
    running = Absence.objects.filter(user=OuterRef("pk"), starts_at__lte=at, ends_at__gt=at)
    return User.objects.annotate(away=Exists(running))


def person(user_id: int, *, at: int) -> User:
    """One of them. Raises CannotDo where there is no such person."""
    found = people(at=at).filter(pk=user_id).first()
    if found is None:
        raise CannotDo("There is nobody with this number on the team.")
    return found


def by_email(email: str) -> User | None:
    """Whoever has this address."""
    return User.objects.filter(email=email.strip().lower()).first()


def absences(user: User, *, at: int) -> list[Absence]:
    """Those that run or come, first first."""
    return list(Absence.objects.filter(user=user, ends_at__gt=at).order_by("starts_at"))


def open_invitations(*, at: int) -> list[Invitation]:
    """Links that nobody used yet, newest first."""
    return list(
        Invitation.objects.filter(used_at=None, expires_at__gt=at, purpose="invite")
        .select_related("by")
        .order_by("-created_at")
    )


def invitation(secret: str, *, at: int) -> Invitation | None:
    """The link with this secret, while it works."""
    return Invitation.objects.filter(secret_hash=tokens.digest(secret), used_at=None, expires_at__gt=at).first()


def keys() -> QuerySet[ApiKey]:
    """All keys of the API, also revoked ones."""
    return ApiKey.objects.select_related("user")


def working_key(key: str) -> ApiKey | None:
    """The key with this text, while it works and its user is there. One indexed read."""
    found = ApiKey.objects.select_related("user").filter(secret_hash=tokens.digest(key), revoked_at=None).first()
    return None if found is None or (found.user is not None and not found.user.is_active) else found


def acting(key: ApiKey) -> User:
    """Whoever acts with a key: its user, or operations as such, which no account stands for (its `pk` is None)."""
    return key.user if key.user is not None else User(role=Role.OPERATIONS, name=key.name)


def named(rows: QuerySet[User], text: str) -> QuerySet[User]:
    """Those with this in their name or address."""
    return rows.filter(Q(name__icontains=text) | Q(email__icontains=text))


def tallies(*, at: int) -> dict[str, int]:
    """How many work here, how many take leads, how many of those are away."""
    counts = User.objects.filter(is_active=True).aggregate(
        people=Count("pk"), takers=Count("pk", filter=Q(takes_leads=True))
    )
    return {**counts, "away": people(at=at).filter(is_active=True, takes_leads=True, away=True).count()}


def catch_all_owner() -> User | None:
    """Whoever owns the queue that takes what nobody else can."""
    return User.objects.filter(is_catch_all=True).first()
