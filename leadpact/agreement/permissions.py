"""Who may draft, propose and sign. Pure: the role and the department are arguments."""

from __future__ import annotations


def may_read(role: str) -> bool:
    """Everybody reads what was agreed; whoever takes leads sees it without points (pages decide)."""
    return bool(role)


def may_draft(role: str) -> bool:
    """Managers, marketers and operations write drafts."""
    return role in {"manager", "marketer", "operations"}


def may_sign(role: str, department: str) -> bool:
    """A manager signs for the own department."""
    return role == "manager" and department in {"marketing", "sales"}


def may_withdraw(role: str) -> bool:
    """Whoever may propose may take a proposal back; what both signed, only a head (rules.check_withdrawable)."""
    return may_draft(role)


def may_prepare(role: str) -> bool:
    """Managers and operations have history made ready for the workshop: it takes minutes of the machine."""
    return role in {"manager", "operations"}
