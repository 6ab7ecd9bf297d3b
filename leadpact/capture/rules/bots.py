"""Machines that look like people: mail scanners, crawlers, previews. Their touches are kept, and do not count.

A score poisoned by a mail scanner is the complaint that peers hear most, so what is certain is caught at the door.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

CLICKS: Final = frozenset({"email.clicked", "link.clicked", "ad.clicked"})
"""Kinds that a scanner makes by the handful, and a person one at a time."""
BURST: Final = 3
BURST_WITHIN: Final = 1_000_000

# Words that user agents of crawlers, link previews, scanners and probes carry, and browsers do not.
_MACHINE: Final = re.compile(
    r"(?<!cu)bot(?![a-z])|crawl|spider|slurp|scanner|scan/|preview|headless|phantomjs|puppeteer|playwright|selenium|"
    r"facebookexternalhit|embedly|quora link|outbrain|vkshare|w3c_validator|whatsapp/|bingpreview|yahoo link|"
    r"mimecast|proofpoint|barracuda|symantec|trend ?micro|fireeye|ironport|safelinks|forcepoint|messagelabs|"
    r"zscaler|urldefense|mailscanner|antivirus|kaspersky|sophos|cloudmark|fortiguard|"
    r"google-read-aloud|googleimageproxy|yahoomailproxy|apis-google|feedfetcher|mediapartners|lighthouse|"
    r"pingdom|uptime|statuscake|site24x7|newrelicpinger|datadog/synthetics|monitoring|"
    r"python-requests|python-urllib|aiohttp|httpx/|curl/|wget/|libwww|java/|okhttp|go-http-client|axios/|node-fetch|"
    r"scrapy|httrack|masscan|nmap|nikto|zgrab|semrush|ahrefs|mj12|dotbot|petalbot|bytespider|gptbot|claudebot|ccbot"
)


@lru_cache(maxsize=8_192)
def machine(user_agent: str) -> str:
    """Why a user agent is a machine's, as a phrase; empty where it looks like a person's browser or there is none."""
    found = _MACHINE.search(user_agent.lower())
    return f"the user agent names a machine ({found.group().strip(' /;-_')})" if found else ""


def bursts(clicks: Iterable[tuple[str, int, int]]) -> set[int]:
    """Which of (visitor, instant in microseconds, index) belong to a burst: three or more of a visitor within a second.

    Returns indices. The instants need not be in order.
    """
    by_visitor: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for visitor, at, index in clicks:
        by_visitor[visitor].append((at, index))
    found: set[int] = set()
    for seen in by_visitor.values():
        if len(seen) >= BURST:
            found.update(_of_one(sorted(seen)))
    return found


def _of_one(seen: Sequence[tuple[int, int]]) -> set[int]:
    found: set[int] = set()
    for first in range(len(seen) - BURST + 1):
        if seen[first + BURST - 1][0] - seen[first][0] < BURST_WITHIN:
            found.update(index for _, index in seen[first : first + BURST])
    return found
