"""Chance that can be repeated: a generator that its seed decides."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: str, week: int, purpose: str) -> np.random.Generator:
    """A generator of its own for each seed, week and purpose; recorded by those three."""
    digest = hashlib.blake2b(f"{seed}\x1f{week}\x1f{purpose}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "big")))
