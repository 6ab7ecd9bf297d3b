"""Chance that does not depend on the order of questions.

Two kinds. `uniform` is a function: the same seed, stream and numbers give the same value for ever, in any
order, on any machine (a counter-based generator: the finaliser of SplitMix64, variant 13 of D. Stafford, over the
numbers one by one; G. Steele, D. Lea, C. Flood, OOPSLA 2014). `generator` is a numpy generator of its own for each
seed, stream and part; what is drawn from it depends on nothing else. Python's hash() is never used: it is salted.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_WORD = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Stream(IntEnum):
    """What a chance is for. A number is never used for two things; new ones are added at the end."""

    ACCOUNTS = 1
    PEOPLE = 2
    NAMES = 3
    STAFF = 4
    TOUCHES = 5
    SPEND = 6
    MOOD = 10
    KIND = 11
    REASON = 12
    PICKED_UP = 13
    DELAY = 14
    FOLLOW_UP = 15
    REACHED = 16
    ATTEMPTS = 17
    DECISION = 18
    OPPORTUNITY = 19
    OPPORTUNITY_TIME = 20
    WON = 21
    CLOSE_TIME = 22
    VALUE = 23
    ROUTE = 24
    LOST_REASON = 25
    WRONG = 26
    QUEUE = 27
    GUESS = 28


def uniform(seed: int, stream: Stream, *numbers: Ints | int) -> Floats:
    """Uniform in (0, 1) for each row of the broadcast `numbers` (whole, not negative)."""
    first = _mix_int((seed & _WORD) ^ _mix_int(stream * _GOLDEN & _WORD))
    state: NDArray[np.uint64] = np.full(1, first, dtype=np.uint64)
    for number in numbers:
        state = _mix((state ^ np.atleast_1d(np.asarray(number)).astype(np.uint64)) + np.uint64(_GOLDEN))
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53 + 2.0**-54


def uniform_one(seed: int, stream: Stream, *numbers: int) -> float:
    """`uniform` of single numbers, bit for bit, in plain integers: faster than an array of one."""
    state = _mix_int((seed & _WORD) ^ _mix_int(stream * _GOLDEN & _WORD))
    for number in numbers:
        state = _mix_int((state ^ number) + _GOLDEN & _WORD)
    return (state >> 11) * 2.0**-53 + 2.0**-54


def generator(seed: int, stream: Stream, part: int = 0) -> np.random.Generator:
    """A generator of its own for each (seed, stream, part)."""
    return np.random.Generator(np.random.Philox(key=(seed & _WORD) | (((stream << 32) | part) << 64)))


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _mix_int(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _WORD
    return x ^ (x >> 31)
