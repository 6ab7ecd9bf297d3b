"""E-mail addresses and the company behind them; ids that are really nothing.

No look-up leaves the machine: syntax by email-validator without DNS, domains by tldextract's bundled suffix list.
"""

from __future__ import annotations

import ipaddress
from functools import cache, lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email
from tldextract import TLDExtract

from leadpact.language.builtin import disposable, free_mail
from leadpact.language.fold import fold

LONGEST_ID: Final = 320

NOBODY: Final = frozenset(
    {
        "", "0", "-1", "null", "none", "nil", "nan", "undefined", "unknown", "anonymous", "guest", "n/a", "na", "false",
        "true", "[object object]", "{}", "[]", "00000000-0000-0000-0000-000000000000",
    }
)  # fmt: skip
"""Ids that programs send when they have none. Taken at their word they would make one person of all visitors."""


class BadAddress(ValueError):
    """Text that is not an e-mail address; the message says why, without repeating the address."""


@lru_cache(maxsize=65_536)
def email(text: str) -> str:
    """The address in the one form it is kept and compared in. Raises BadAddress.

    Syntax only; a domain needs a dot. `.test` and `.example` are taken, for people try things out.
    """
    stripped = text.strip().removeprefix("mailto:")
    if len(stripped) > LONGEST_ID:
        raise BadAddress("it is longer than 320 characters")
    try:
        found = validate_email(
            stripped,
            check_deliverability=False,
            globally_deliverable=False,
            test_environment=True,
            allow_display_name=False,
        )
        folded = fold(found.normalized)
    except EmailNotValidError as problem:
        raise BadAddress(_why(str(problem))) from None
    except ValueError:
        raise BadAddress("it holds a character that no address can hold") from None
    if "." not in folded.rpartition("@")[2]:
        raise BadAddress("its domain has no dot")
    return folded


def _why(said: str) -> str:
    """The validator's sentence as the end of one of ours."""
    text = said.strip().rstrip(".")
    return (text[:1].lower() + text[1:])[:160] or "it is not an e-mail address"


def email_or_none(value: object) -> str | None:
    """The address, or None where the value is none."""
    if not isinstance(value, str) or "@" not in value:
        return None
    try:
        return email(value)
    except BadAddress:
        return None


def identifier(value: str | float | None) -> str | None:
    """A caller's id, trimmed; None for what programs send when they have none.

    Case is kept: many systems tell `aB3` from `ab3`, and two people must never become one. Raises ValueError for an
    id that is too long or that no database can hold.
    """
    if value is None or isinstance(value, bool):
        return None
    text = value.strip() if isinstance(value, str) else _number_text(value)
    if len(text) > LONGEST_ID:
        raise ValueError(f"an id is longer than {LONGEST_ID} characters")
    if not text.isascii() or "\0" in text:
        fold(text)
    return None if text.lower() in NOBODY else text


def _number_text(value: float) -> str:
    """42 and 42.0 are one id."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@cache
def _extract() -> TLDExtract:
    # Private suffixes too: a firm at `ferro.uk.com` is not the firm `uk.com`.
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@cache
def _nobodys() -> frozenset[str]:
    return frozenset(free_mail()) | frozenset(disposable())


@lru_cache(maxsize=65_536)
def company_domain(host: str) -> str | None:
    """The registrable domain of a host, an address's domain or a web address: `mail.eu.ferro.example` → `ferro.example`.

    None for free and throw-away mail, IP addresses and names without a dot: these are no company.
    """
    try:
        plain = fold(host)
    except ValueError:
        return None
    plain = plain.partition("://")[2] or plain
    plain = plain.rpartition("@")[2].partition("/")[0].partition("?")[0].partition("#")[0]
    if not plain or len(plain) > 253 or " " in plain or _is_address(plain):
        return None
    plain = plain.partition(":")[0].strip(".")
    labels = plain.split(".")
    if len(labels) < 2 or not all(labels):
        return None
    found = _extract()(plain)
    if found.suffix and not found.domain:
        return None
    # A suffix that no registry runs (`.example`, `.test`, an intranet's) is one label.
    domain = f"{found.domain}.{found.suffix}" if found.suffix else ".".join(labels[-2:])
    return None if domain in _nobodys() or plain in _nobodys() else domain


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]").partition("%")[0] if host.startswith("[") else host.partition(":")[0])
    except ValueError:
        return host.count(":") > 1
    return True


def domain_of_email(address: str) -> str | None:
    """The company's domain of a folded address; None for free and throw-away mail."""
    return company_domain(address.rpartition("@")[2])
