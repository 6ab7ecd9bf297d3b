"""Coming in: the first administrator, invitations, new passwords. Links are shown to whoever made them, so mail is not needed."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from leadpact.kit import tokens
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import DAY
from leadpact.team.models import Invitation, Role, User
from leadpact.team.permissions import manages

INVITATION_LASTS = 7 * DAY
RESET_LASTS = DAY


@transaction.atomic
def create_first_administrator(*, email: str, name: str, password: str, timezone: str = "UTC") -> User:
    """Make the operations account of a new installation. Two first visits at once make one account.

    Raises CannotDo where somebody exists already, or for a weak password.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('leadpact.team.first'))")
    if User.objects.exists():
        raise CannotDo("Somebody has an account here already; log in, or ask them for an invitation.")
    return create_administrator(email=email, name=name, password=password, timezone=timezone)


@transaction.atomic
def create_administrator(*, email: str, name: str = "", password: str | None = None, timezone: str = "UTC") -> User:
    """Make an operations account, or make the account of that address one. Without a password an existing one stays."""
    user = User.objects.select_for_update().filter(email=_address(email)).first()
    if user is None:
        user = User(email=_address(email), name=name.strip(), timezone=timezone)
        user.set_unusable_password()
    user.role, user.is_active, user.takes_leads = Role.OPERATIONS, True, False
    user.department = ""
    if name:
        user.name = name.strip()
    if password is not None:
        _set_password(user, password)
    user.save()
    return user


@transaction.atomic
def invite(*, email: str, name: str, role: str, department: str, by: User, at: int) -> str:
    """Make a link that creates this account, for a week. Returns its secret, which is kept nowhere.

    Raises CannotDo where the asker may not give that role, or the address has an account.
    """
    if not manages(by, role):
        raise CannotDo("Only operations can invite somebody to operations.")
    if User.objects.filter(email=_address(email)).exists():
        raise CannotDo(f"{_address(email)} has an account already; make a link for a new password on their page.")
    return _link(
        Invitation(
            email=_address(email), name=name.strip(), role=role, department=department, purpose="invite", by=by,
            created_at=at, expires_at=at + INVITATION_LASTS,
        )
    )  # fmt: skip


@transaction.atomic
def offer_new_password(*, user: User, by: User | None, at: int) -> str:
    """Make a link with which this person sets a new password, for a day. `by` None: the command line.

    Raises CannotDo where the asker may not manage them or the account is closed.
    """
    if by is not None and not manages(by, user.role):
        raise CannotDo("Only operations can make a link for somebody of operations.")
    if not user.is_active:
        raise CannotDo("This account is closed; open it again first.")
    return _link(Invitation(email=user.email, purpose="reset", by=by, created_at=at, expires_at=at + RESET_LASTS))


@transaction.atomic
def redeem(*, secret: str, name: str, password: str, timezone: str, at: int) -> User:
    """Use a link: make the account, or set the password. Once.

    Raises CannotDo for a link that is unknown, used or too old, and for a weak password.
    """
    invitation = Invitation.objects.select_for_update().filter(secret_hash=tokens.digest(secret)).first()
    if invitation is None or invitation.used_at is not None or invitation.expires_at <= at:
        raise CannotDo("This link has been used or is too old; ask for a new one.")
    if invitation.purpose == "reset":
        user = User.objects.select_for_update().filter(email=invitation.email, is_active=True).first()
        if user is None:
            raise CannotDo("The account of this link is closed; ask a manager.")
    else:
        if User.objects.filter(email=invitation.email).exists():
            raise CannotDo(f"{invitation.email} has an account already; log in.")
        user = User(
            email=invitation.email, name=(name or invitation.name).strip(), role=invitation.role,
            department=invitation.department, timezone=timezone, takes_leads=invitation.role == Role.SALESPERSON,
        )  # fmt: skip
    _set_password(user, password)
    user.save()
    # Links to one address are one promise: with the first that is used the others end.
    Invitation.objects.filter(email=invitation.email, used_at=None).update(used_at=at)
    return user


@transaction.atomic
def withdraw_invitation(*, invitation_id: int, by: User, at: int) -> None:
    """A link that nobody used yet works no more."""
    invitation = Invitation.objects.select_for_update().filter(pk=invitation_id, used_at=None).first()
    if invitation is None:
        raise CannotDo("This link has been used or withdrawn already.")
    if not manages(by, invitation.role):
        raise CannotDo("Only operations can withdraw this link.")
    invitation.used_at = at
    invitation.save(update_fields=["used_at"])


def _link(invitation: Invitation) -> str:
    secret = tokens.make()
    invitation.secret_hash = tokens.digest(secret)
    invitation.save()
    return secret


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CannotDo(" ".join(error.messages)) from error
    user.set_password(password)


def _address(email: str) -> str:
    return email.strip().lower()
