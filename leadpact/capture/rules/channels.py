"""The reporting channel of a touch, from the campaign parameters of its link or the page that led to it.

A closed list, because sources that multiply make every report useless: what marketing tools call `cpc`, `ppc`,
`paid-search` and `sem` is one channel here. What nobody can place keeps its own medium's name.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from leadpact.language.fold import fold

LONGEST_CHANNEL: Final = 60

_SEARCH: Final = frozenset("google bing yahoo duckduckgo ecosia baidu yandex startpage qwant brave kagi".split())
_SOCIAL: Final = frozenset(
    "facebook fb instagram ig linkedin twitter x t.co youtube tiktok reddit pinterest xing mastodon threads bluesky lnkd".split()
)
_MEDIA: Final = {
    **dict.fromkeys(("email", "e-mail", "mail", "newsletter"), "email"),
    **dict.fromkeys(("organic", "seo", "organic search", "organic_search"), "organic_search"),
    **dict.fromkeys(
        ("social", "social-media", "social media", "organic social", "organic_social", "sm"), "organic_social"
    ),
    **dict.fromkeys(("paid social", "paid_social", "paid-social", "paidsocial", "cpc social"), "paid_social"),
    **dict.fromkeys(("paid search", "paid_search", "paid-search", "paidsearch", "sem"), "paid_search"),
    **dict.fromkeys(("display", "banner", "cpm", "retargeting", "remarketing", "programmatic"), "display"),
    **dict.fromkeys(("affiliate", "affiliates"), "affiliate"),
    **dict.fromkeys(("partner", "partners", "partner referral"), "partner"),
    **dict.fromkeys(("referral", "link", "links"), "referring_site"),
    **dict.fromkeys(("event", "fair", "trade show", "tradeshow", "webinar", "seminar"), "event"),
    **dict.fromkeys(("none", "(none)", "direct", "(direct)"), "direct"),
}
_PAID: Final = frozenset(("cpc", "ppc", "paid", "cpv", "cpa", "ads", "ad"))


@lru_cache(maxsize=8_192)
def of_campaign(source: str, medium: str) -> str:
    """The channel that utm_source and utm_medium name; empty where both are."""
    origin, how = _folded(source), _folded(medium)
    site = _site(origin)
    if how in _PAID:
        return "paid_social" if site in _SOCIAL else "paid_search"
    if how in _MEDIA:
        return _MEDIA[how]
    if not how and site in _SOCIAL:
        return "organic_social"
    if not how and site in _SEARCH:
        return "organic_search"
    if not how and origin in _MEDIA:
        return _MEDIA[origin]
    return (how or origin)[:LONGEST_CHANNEL]


@lru_cache(maxsize=8_192)
def of_referrer(referrer: str, own_host: str) -> str:
    """The channel of a page view that came from another site; empty where it came from our own or from nowhere."""
    host = _host(referrer)
    if not host or host == _host(own_host):
        return ""
    names = set(host.split("."))
    if names & _SEARCH:
        return "organic_search"
    if names & _SOCIAL or host == "t.co":
        return "organic_social"
    return "referring_site"


def _site(origin: str) -> str:
    """`www.linkedin.com` and `linkedin-ads` are LinkedIn."""
    if origin in _SOCIAL or origin in _SEARCH:
        return origin
    for part in origin.replace("-", ".").replace("_", ".").replace(" ", ".").split("."):
        if len(part) > 1 and (part in _SOCIAL or part in _SEARCH):
            return part
    return origin


def _folded(text: str) -> str:
    try:
        return fold(text)
    except ValueError:
        return ""


def _host(address: str) -> str:
    plain = _folded(address)
    rest = plain.partition("://")[2] or plain
    return rest.partition("/")[0].partition("?")[0].partition(":")[0].removeprefix("www.")
