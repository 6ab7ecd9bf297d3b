"""Where leads come from: how many, how good, how they become known, and what a day of the channel costs.

`wins` are the published-like rates of lead to deal that the company aims at (referral 3.6%, website 1.6%, social
1.5%). `interest`: how far a source lifts (or lowers) the chance that a buying interest follows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A source of leads. share: of all leads. at_once: share whose interest is already awake when they become known.

    channel, campaign: what the first touch carries. kind: of the first touch. visits: whether they came anonymously
    before. daily: money spent a day for each 1,000 leads of the company, in whole dollars. close: what is left of `wins`
    for closing, since a source that makes more opportunities needs fewer wins of each.
    """

    name: str
    share: float
    wins: float
    interest: float
    at_once: float
    channel: str
    campaigns: tuple[str, ...]
    kind: str
    visits: bool
    daily: float
    close: float = 1.0


SOURCES: tuple[Source, ...] = (
    Source("website", 0.32, 0.016, 1.0, 0.25, "organic", ("",), "paper.downloaded", visits=True, daily=6.0),
    Source(
        "paid_search",
        0.17,
        0.014,
        0.95,
        0.30,
        "paid_search",
        ("price-guide", "buyers-paper", "compare-suppliers"),
        "paper.downloaded",
        visits=True,
        daily=30.0,
        close=0.85,
    ),
    Source(
        "social",
        0.14,
        0.015,
        0.85,
        0.20,
        "social",
        ("plant-stories", "spring-papers"),
        "form.submitted",
        visits=True,
        daily=14.0,
        close=1.35,
    ),
    Source(
        "event",
        0.09,
        0.020,
        1.1,
        0.30,
        "event",
        ("autumn-fair", "supply-days"),
        "card.received",
        visits=False,
        daily=18.0,
        close=0.85,
    ),
    Source(
        "list",
        0.12,
        0.008,
        0.6,
        0.05,
        "list",
        ("bought-list", "old-crm"),
        "list.imported",
        visits=False,
        daily=2.0,
        close=0.9,
    ),
    Source(
        "referral", 0.06, 0.036, 1.9, 0.55, "referral", ("",), "referral.received", visits=False, daily=1.5, close=0.7
    ),
    Source("call", 0.04, 0.024, 1.4, 0.50, "phone", ("",), "call.received", visits=False, daily=0.0, close=0.75),
    Source("sales", 0.06, 0.020, 1.2, 0.30, "sales", ("",), "", visits=False, daily=0.0, close=0.75),
)
NAMES: tuple[str, ...] = tuple(source.name for source in SOURCES)
