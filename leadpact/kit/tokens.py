"""Secrets in links and keys: made here, shown once, kept only as a digest."""

from __future__ import annotations

import hashlib
import secrets


def make(prefix: str = "") -> str:
    """A new secret of 256 random bits that goes into an address as it is."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of it, 64 hexadecimal digits. Secrets are random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
