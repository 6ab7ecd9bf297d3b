"""Who may act on the leads that Marketing holds. Pure."""

from __future__ import annotations


def may_nurture(role: str, department: str) -> bool:
    """Marketers, managers of Marketing and operations."""
    return role in {"marketer", "operations"} or (role == "manager" and department == "marketing")


def speaks_for(role: str, department: str) -> str:
    """The ledger's kind of actor for somebody who acts on Marketing's leads. Raises PermissionError for others."""
    if not may_nurture(role, department):
        raise PermissionError("Only Marketing and operations act on the leads that Marketing holds.")
    return "operations" if role == "operations" else "marketing"
