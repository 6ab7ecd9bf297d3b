"""Chain, words and Merkle tree, without a database."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadpact.custody.rules import chain, merkle, words

CODES = (7, 1, 1_700_000_000_000_000, "captured", "marketing", "new", "system", None, "", "", "", "", None, None, None, None, "",
         None, None, None)  # fmt: skip


def test_the_canonical_form_is_what_its_docstring_says() -> None:
    form = chain.canonical(CODES, None, chain.GENESIS)
    assert json.loads(form) == [1, *CODES, None, "00" * 32]
    assert b" " not in form
    # Written down here for ever: an edit of the form would make every ledger unprovable.
    assert chain.link(CODES, None, chain.GENESIS).hex() == hashlib.sha256(form).hexdigest()
    assert (
        chain.link(CODES, None, chain.GENESIS).hex()
        == "3c446221e07b3e8df3c65c57b12ad11307b75e1132c00cd3bdbf6bfc5bed92f5"
    )


@given(st.integers(0, len(CODES) - 1))
def test_every_code_is_covered(position: int) -> None:
    changed = list(CODES)
    changed[position] = "x" if isinstance(changed[position], str) else 99
    assert chain.link(tuple(changed), None, chain.GENESIS) != chain.link(CODES, None, chain.GENESIS)


def test_what_is_escaped_is_written_down() -> None:
    spoken = list(CODES)
    spoken[9] = 'ä"\\\n\x01'
    assert 'ä\\"\\\\\\n\\u0001' in chain.canonical(tuple(spoken), None, chain.GENESIS).decode("utf-8")


def test_previous_and_commitment_are_covered() -> None:
    links = {chain.link(CODES, c, p) for c in (None, b"\x01" * 32) for p in (chain.GENESIS, b"\x02" * 32)}
    assert len(links) == 4


@given(st.text(max_size=200), st.binary(min_size=1, max_size=64))
def test_sealed_words_open_with_the_key_and_only_in_their_place(note: str, secret: bytes) -> None:
    commitment, sealed = words.seal(note, secret=secret, lead_id=3, seq=4, chance=os.urandom(words.CHANCE))
    assert words.unseal(sealed, secret=secret, lead_id=3, seq=4, commitment=commitment) == note
    assert words.unseal(sealed, secret=secret + b"x", lead_id=3, seq=4, commitment=commitment) is None
    assert words.unseal(sealed, secret=secret, lead_id=3, seq=5, commitment=commitment) is None
    assert words.unseal(sealed, secret=b"", lead_id=3, seq=4, commitment=commitment) is None
    assert words.unseal(sealed, secret=secret, lead_id=3, seq=4, commitment=bytes(32)) is None
    if len(note) > 3:
        assert note.encode() not in sealed


def test_the_same_words_give_another_commitment_each_time() -> None:
    made = {words.seal("no", secret=b"k", lead_id=1, seq=1, chance=os.urandom(words.CHANCE))[0] for _ in range(5)}
    assert len(made) == 5


def test_nothing_is_sealed_without_a_key() -> None:
    with pytest.raises(ValueError, match="erased"):
        words.seal("no", secret=b"", lead_id=1, seq=1, chance=os.urandom(words.CHANCE))


def _by_definition(leaves: list[bytes]) -> bytes:
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + _by_definition(leaves[:half]) + _by_definition(leaves[half:])).digest()


@given(st.integers(0, 70))
def test_the_streamed_tree_is_the_tree_of_the_definition(number: int) -> None:
    leaves = [merkle.leaf(lead, 1, bytes([lead]) * 32) for lead in range(number)]
    tree = merkle.Tree()
    for one in leaves:
        tree.add(one)
    assert tree.root() == _by_definition(leaves)
    assert tree.leaves == number
