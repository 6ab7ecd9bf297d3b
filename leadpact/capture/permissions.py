"""Who may what in capture. Pure: roles are names."""

from __future__ import annotations

from typing import Final

MAY_MANAGE: Final = frozenset({"marketer", "manager", "operations"})
"""Imports, keys, the quarantine, duplicates."""
MAY_ENTER: Final = MAY_MANAGE | {"salesperson"}
"""Enter somebody by hand."""


def may_keep_prospects(role: str, *, takes_leads: bool) -> bool:
    """Who may enter a prospect of their own: whoever works leads."""
    return takes_leads or role == "salesperson"
