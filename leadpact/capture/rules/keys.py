"""Write keys: how their secrets look, and which web pages may use a public one."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

SERVER_PREFIX: Final = "lps_"
PUBLIC_PREFIX: Final = "lpp_"
SHOWN: Final = 12
MOST_ORIGINS: Final = 50


class BadKey(ValueError):
    """A key that cannot be made as asked; the message is a sentence for who asks."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A key that was found: its number, its trust, where it may be used, and how many events a minute it may send."""

    key_id: int
    public: bool
    origins: frozenset[str]
    per_minute: int

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may use the key. No origin: not a browser, which could claim any."""
        return not origin or not self.public or origin in self.origins


def secret_hash(secret: str) -> str:
    """What is kept of a secret. A plain hash is enough: secrets are 256 bits of chance, not passwords."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def checked_name(name: str) -> str:
    """A key's name, trimmed. Raises BadKey."""
    plain = " ".join(name.split())
    if not plain or len(plain) > 120:
        raise BadKey("A key needs a name of at most 120 characters, so that people know what it is for.")
    return plain


def checked_origins(origins: list[str] | tuple[str, ...], *, public: bool) -> list[str]:
    """The origins in the form browsers send them, without repeats. Raises BadKey."""
    if not public:
        if origins:
            raise BadKey("Only a public key has origins: add --public, or leave the origins out.")
        return []
    found = list(dict.fromkeys(_origin(one) for one in origins if one.strip()))
    if not found:
        raise BadKey(
            "A public key needs the origin of each page that uses it, such as --origin https://northwind.example."
        )
    if len(found) > MOST_ORIGINS:
        raise BadKey(f"A key has at most {MOST_ORIGINS} origins; make another key.")
    return found


def _origin(text: str) -> str:
    plain = text.strip()
    wrong = BadKey(f"{plain[:80]} is not an origin: write scheme and host only, such as https://northwind.example.")
    try:
        parts = urlsplit(plain if "://" in plain else f"https://{plain}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.query or parts.fragment:
        raise wrong
    if parts.path not in {"", "/"} or "*" in host or " " in host:
        raise wrong
    host = f"[{host}]" if _is_ipv6(host) else host.encode("idna").decode() if not host.isascii() else host
    shown = "" if port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
