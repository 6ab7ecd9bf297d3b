"""The second half of the agreement read aloud: market, promises, reasons, audits, lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from leadpact.language import builtin
from leadpact.language.hours import MINUTE, ordinary_day
from leadpact.language.nodes import THOUSANDTHS, Agreement, Duration, Reason
from leadpact.language.parse_market import DAYS, country_name
from leadpact.language.parse_review import WHICH
from leadpact.language.phrases import counted, entries_said, listing, span

_BLAMES: Final = {
    "timing": "the time was wrong",
    "definition": "our definition was wrong",
    "data": "our data were wrong",
    "nobody": "nobody is to blame",
}
_NTH: Final = {2: "second", 3: "third", 21: "21st", 22: "22nd", 23: "23rd"}
_WITH_THE: Final = ("United ", "Netherlands", "Philippines", "Bahamas", "Gambia", "Maldives", "Seychelles", "Czech Rep")


def _days(days: list[int]) -> str:
    """`Monday to Friday`, `Saturday`, `Monday and Wednesday`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    said = [
        f"{DAYS[run[0]].title()} to {DAYS[run[-1]].title()}"
        if len(run) > 2
        else listing([DAYS[d].title() for d in run], "and")
        for run in runs
    ]
    return listing(said, "and")


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def _length(microseconds: int) -> str:
    """`10 hours`, `7 hours and 30 minutes`."""
    hours, minutes = divmod(microseconds // MINUTE, 60)
    return listing([counted(n, unit) for n, unit in ((hours, "hour"), (minutes, "minute")) if n], "and")


def market_sentences(agreement: Agreement) -> Iterator[str]:
    """Where and when business time runs."""
    market = agreement.market
    if not market.hours:
        yield f"Business time never stops. Clocks are told in {place(market.timezone)}."
        return
    by_hours: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for day, spans in market.hours:
        by_hours.setdefault(spans, []).append(day)
    told = [
        f"{_days(days)} from {listing([f'{_clock(opens)} to {_clock(closes)}' for opens, closes in spans], 'and')}"
        for spans, days in by_hours.items()
        if spans
    ]
    without = ""
    if market.holiday_country:
        without = f", without the public holidays of {country(market.holiday_country)}"
    elif market.holidays:
        without = f", without {counted(len(market.holidays), 'holiday')} named in the file"
    yield f"Business time is {'; '.join(told)}, in {place(market.timezone)}{without}."
    if any(duration.business and " day" in duration.written for duration in durations(agreement)):
        yield f"A business day counts as {_length(ordinary_day(market))} of it."


def place(timezone: str) -> str:
    """`Chicago (America/Chicago)`."""
    city = timezone.rpartition("/")[2].replace("_", " ")
    return timezone if city == timezone else f"{city} ({timezone})"


def country(code: str) -> str:
    """`the United States`, `Germany (BY)`."""
    short, _, region = code.partition("-")
    name = country_name(short)
    name = f"the {name}" if name.startswith(_WITH_THE) else name
    return f"{name} ({region})" if region else name


def durations(agreement: Agreement) -> Iterator[Duration]:
    """Every duration that is promised."""
    sales, marketing = agreement.sales_promises, agreement.marketing_promises
    if sales is not None:
        yield sales.accept_within
        yield sales.first_follow_up_within
        if sales.attempts is not None:
            yield sales.attempts.within
    if marketing is not None:
        yield marketing.hand_over_within
        yield marketing.touch_every
        yield marketing.answer_rejection_within


def promise_sections(agreement: Agreement) -> Iterator[tuple[str, str, str, list[str]]]:
    """(key, title, intro, sentences) of what each side promises."""
    sales, marketing = agreement.sales_promises, agreement.marketing_promises
    if sales is not None:
        said = [
            f"Sales accepts a lead, or says why not, within {sales.accept_within.written}; otherwise it is recalled.",
            f"Sales follows up for the first time within {sales.first_follow_up_within.written} of accepting.",
        ]
        if sales.attempts is not None:
            tries = counted(sales.attempts.at_least, "time")
            said.append(
                f"Sales tries at least {tries} within {sales.attempts.within.written} "
                "before a lead may be said to be out of reach."
            )
        yield "sales_promises", "What Sales promises", "", said
    if marketing is not None:
        said = [
            f"Marketing hands a lead over within {marketing.hand_over_within.written} of what made it sales-ready.",
            f"Marketing touches every lead that it keeps at least once every {marketing.touch_every.written}.",
            f"Marketing answers a rejection within {marketing.answer_rejection_within.written}.",
        ]
        yield "marketing_promises", "What Marketing promises", "", said


def reasons(agreement: Agreement) -> Iterator[tuple[str, str, str]]:
    """(id, name, what follows) of each reason for giving a lead back."""
    for reason in agreement.recycle:
        name = reason.id.replace("_", " ").capitalize()
        yield reason.id, name, reason_sentence(reason)


def reason_sentence(reason: Reason) -> str:
    """What a reason means and leads to."""
    follows: list[str] = []
    if reason.rest is not None:
        follows.append(f"the lead rests for {span(reason.rest)}")
    if reason.play is not None:
        follows.append(f"{'then ' if follows else 'the lead '}enters the play {reason.play.replace('_', ' ')}")
    if reason.then == "disqualified":
        follows.append("the lead is disqualified")
    elif reason.then == "repair":
        follows.append("the data of the lead are mended")
    if not follows:
        follows.append("the lead goes back to Marketing at once")
    said = f"{_BLAMES[reason.blames].capitalize()}: {listing(follows, 'and').replace(' and then ', ', then ')}."
    return f"{said} Only after the promised attempts." if reason.only_after_attempts else said


def percent(millionths: int) -> str:
    """`2%`, `0.5%`."""
    return f"{millionths / 10_000:.4f}".rstrip("0").rstrip(".") + "%"


def audit_sentences(agreement: Agreement) -> Iterator[str]:
    """How what Marketing keeps is checked."""
    audit = agreement.audit
    if audit.share == 0 and not audit.near_share:
        yield "Nothing that Marketing keeps is checked."
        return
    limit = "" if audit.at_most_per_week is None else f", {audit.at_most_per_week:,} a week at most"
    yield f"{percent(audit.share)} of what Marketing keeps is handed to Sales unmarked, as a check{limit}."
    if audit.near_within is not None and audit.near_share is not None:
        near = f"{audit.near_within / THOUSANDTHS:g} points"
        yield f"Of leads within {near} of being sales-ready it is {percent(audit.near_share)}."


def review_sentences(agreement: Agreement) -> Iterator[str]:
    """When both departments meet; nothing where the agreement names no meeting."""
    review = agreement.review
    if review is None:
        return
    day = DAYS[review.weekday].title()
    if review.weeks == 0:
        which = next(word for word, number in WHICH.items() if number == review.nth)
        when = f"on the {which} {day} of every month"
    elif review.weeks == 1:
        when = f"every {day}"
    else:
        when = f"on {day} of every {_NTH.get(review.weeks) or f'{review.weeks}th'} week"
        when += f", counted from {review.start}," if review.start else ""
    at = f"at {_clock(review.minute)} in {place(agreement.market.timezone)}"
    yield f"Both departments meet {when} {at}. What the agreement did since they last met is prepared for them then."


def list_sentences(agreement: Agreement) -> Iterator[tuple[str, str]]:
    """(name, sentence) of each list."""
    for name, entries in agreement.lists:
        if name in builtin.NAMES:
            kind = {builtin.ACADEMIC: "universities", builtin.FREE_MAIL: "free mail services"}.get(
                name, "throw-away mail"
            )
            yield name, f"{name}: {len(entries):,} domains of {kind}, kept as they were when this version was read."
        else:
            yield name, f"{name.replace('_', ' ').capitalize()}: {entries_said(entries, 'and') or 'nothing'}."
