"""Where things live: the address of a lead, an account, a person of the team. Templates and rooms ask here.

Addresses of rooms are their names: `/capture/`, `/team/` and so on.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.shortcuts import resolve_url


def lead(lead_id: int) -> str:
    """The page of a lead."""
    return f"/leads/{lead_id}/"


def account(account_id: int) -> str:
    """The page of an account with its buying group."""
    return f"/leads/accounts/{account_id}/"


def member(user_id: int) -> str:
    """The page of somebody on the team."""
    return f"/team/{user_id}/"


def log_in(next_path: str = "") -> str:
    """The log-in page, which goes on to `next_path` afterwards."""
    base = resolve_url(settings.LOGIN_URL)
    return f"{base}?{urlencode({'next': next_path})}" if next_path else base
