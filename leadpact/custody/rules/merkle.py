"""One hash for many heads: a Merkle tree in the manner of RFC 6962, built from a stream.

A leaf is SHA-256 of 0x00, the lead (8 bytes, big-endian), the sequence number (4 bytes) and the hash of that entry; a node
is SHA-256 of 0x01 and its two children. Leaves come in the order of leads. The tree of n leaves joins the tree of the
largest power of two below n with the tree of the rest; the root of nothing is SHA-256 of nothing.
"""

from __future__ import annotations

import hashlib


def leaf(lead_id: int, seq: int, entry_hash: bytes) -> bytes:
    """The leaf of one lead's head."""
    return hashlib.sha256(b"\x00" + lead_id.to_bytes(8, "big") + seq.to_bytes(4, "big") + entry_hash).digest()


class Tree:
    """Takes leaves one at a time; holds no more than one hash a level."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []
        self.leaves = 0

    def add(self, leaf_hash: bytes) -> None:
        """Append a leaf."""
        self.leaves += 1
        height, node = 0, leaf_hash
        while self._peaks and self._peaks[-1][0] == height:
            _, left = self._peaks.pop()
            height, node = height + 1, _join(left, node)
        self._peaks.append((height, node))

    def root(self) -> bytes:
        """The root of what was added so far."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = _join(left, node)
        return node


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
