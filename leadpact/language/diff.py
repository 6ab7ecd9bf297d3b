"""What changed from one agreement to another, as sentences. What has no meaning (order, spelling) is silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from leadpact.language.nodes import (
    Agreement,
    Condition,
    Constant,
    Duration,
    Each,
    Line,
    Market,
    Verdict,
)
from leadpact.language.phrases import amount, counted, listing, span
from leadpact.language.same import same_condition, same_rule, sorted_query
from leadpact.language.words import rule, say, signed, verdict_name
from leadpact.language.words_promises import (
    audit_sentences,
    market_sentences,
    place,
    reason_sentence,
    review_sentences,
)

SHOWN: Final = 6


def diff(before: Agreement, after: Agreement) -> list[str]:
    """The changes as sentences, in the order of the file; empty where nothing that has a meaning changed."""
    found = [
        *_name(before, after),
        *_market(before.market, after.market, before, after),
        *_lists(before, after),
        *_lines(before, after),
        *_verdicts(before, after),
        *_cools(before, after),
        *_promises(before, after),
        *_recycle(before, after),
        *_audit(before, after),
        *_review(before, after),
    ]
    return [sentence[:1].upper() + sentence[1:] for sentence in found]


def _name(before: Agreement, after: Agreement) -> Iterator[str]:
    if before.name != after.name:
        yield f"the agreement is called “{after.name}” instead of “{before.name}”."


# --- market and lists --------------------------------------------------------------------


def _market(before: Market, after: Market, old: Agreement, new: Agreement) -> Iterator[str]:
    if before.timezone != after.timezone:
        yield f"clocks are told in {place(after.timezone)} instead of {place(before.timezone)}."
    elif before.offsets != after.offsets:
        yield f"the time-zone rules of {place(after.timezone)} were taken anew and differ."
    if before.hours != after.hours or before.holiday_country != after.holiday_country:
        yield f"now: {' '.join(market_sentences(new))} Before: {' '.join(market_sentences(old))}"
    elif before.holidays != after.holidays:
        yield from _members("the holidays", before.holidays, after.holidays)


def _lists(before: Agreement, after: Agreement) -> Iterator[str]:
    old, new = dict(before.lists), dict(after.lists)
    for name in old:
        if name not in new:
            yield f"the list {name} is gone."
    for name, entries in new.items():
        if name not in old:
            yield f"the list {name} is new, with {counted(len(entries), 'entry').replace('entrys', 'entries')}."
        else:
            yield from _members(f"the list {name}", old[name], entries)


def _members(what: str, before: Iterable[Constant], after: Iterable[Constant]) -> Iterator[str]:
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    gained = [amount(entry) for entry in new if entry not in old]
    lost = [amount(entry) for entry in old if entry not in new]
    said = [f"{verb} {_shortened(entries)}" for verb, entries in (("gains", gained), ("loses", lost)) if entries]
    if said:
        yield f"{what} {' and '.join(said)}."


def _shortened(entries: list[str]) -> str:
    more = len(entries) - SHOWN
    return listing([*entries[:SHOWN], f"{more:,} more"] if more > 0 else entries, "and")


# --- lines -------------------------------------------------------------------------------


def _lines(before: Agreement, after: Agreement) -> Iterator[str]:
    old = {line.id: line for line in before.lines}
    new = {line.id: line for line in after.lines}
    gone = {name: line for name, line in old.items() if name not in new}
    for line in after.lines:
        if line.id in old:
            yield from _line(old[line.id], line, before, after)
            continue
        renamed = next(
            (o for o in gone.values() if same_rule(o.rule, line.rule) and o.dimension == line.dimension), None
        )
        if renamed is None:
            yield f"new in {line.dimension}: “{line.says}”, {signed(line.points)} {rule(line, after)}."
        else:
            del gone[renamed.id]
            yield f"the line {renamed.id} is now called {line.id}."
            yield from _line(renamed, line, before, after)
    for line in gone.values():
        yield f"gone from {line.dimension}: “{line.says}” ({signed(line.points)})."


def _line(old: Line, new: Line, before: Agreement, after: Agreement) -> Iterator[str]:
    name = f"“{new.says}”"
    if old.says != new.says:
        yield f"“{old.says}” now reads {name}."
    if old.dimension != new.dimension:
        yield f"{name} counts for {new.dimension} instead of {old.dimension}."
    if old.points != new.points:
        yield f"{name} gives {signed(new.points)} instead of {signed(old.points)}."
    if isinstance(old.rule, Each) and isinstance(new.rule, Each):
        yield from _each(name, (old.rule, new.rule), rule(new, after), rule(old, before))
    elif not same_rule(old.rule, new.rule):
        yield _now(name, rule(new, after), rule(old, before))


def _each(name: str, rules: tuple[Each, Each], now_said: str, before_said: str) -> Iterator[str]:
    was, now = rules
    if was.at_most != now.at_most:
        yield f"{name} gives {_cap(now)} instead of {_cap(was)}."
    if was.fades != now.fades:
        yield f"{name} {'fades now' if now.fades else 'no longer fades'}."
    one, other = sorted_query(was.query), sorted_query(now.query)
    if one.within != other.within:
        yield f"{name} looks back {_back(now)} instead of {_back(was)}."
    if replace(one, within=None) != replace(other, within=None):
        yield _now(name, now_said, before_said)


def _cap(each: Each) -> str:
    return "any number of points" if each.at_most is None else f"{counted(each.at_most, 'point')} at most"


def _back(each: Each) -> str:
    return "for ever" if each.query.within is None else span(each.query.within)


def _now(what: str, now: str, before: str) -> str:
    return f"{what}: now {now}; before, {before}."


# --- verdicts ----------------------------------------------------------------------------


def _verdicts(before: Agreement, after: Agreement) -> Iterator[str]:
    old = {verdict.name: verdict for verdict in before.verdicts}
    new = {verdict.name: verdict for verdict in after.verdicts}
    for name, verdict in old.items():
        if name not in new:
            yield f"there is no verdict {verdict_name(verdict.name)} any more."
    for name, verdict in new.items():
        if name not in old:
            said = "; or ".join(say(part, after) for part in verdict.alternatives)
            yield f"the verdict {verdict_name(name)} is new: when {said}."
        else:
            yield from _verdict(old[name], verdict, before, after)
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield f"verdicts are tried in another order: {listing([verdict_name(name) for name in new], 'then')}."


def _verdict(old: Verdict, new: Verdict, before: Agreement, after: Agreement) -> Iterator[str]:
    name = verdict_name(new.name)
    gained = _without(new.alternatives, old.alternatives)
    lost = _without(old.alternatives, new.alternatives)
    for index in range(max(len(gained), len(lost))):
        if index < min(len(gained), len(lost)):
            yield _now(name, f"when {say(gained[index], after)}", f"when {say(lost[index], before)}")
        elif index < len(gained):
            yield f"{name} also when {say(gained[index], after)}."
        else:
            yield f"{name} no longer when {say(lost[index], before)}."
    if not gained and not lost and not all(map(same_condition, old.alternatives, new.alternatives)):
        yield f"the alternatives of {name} stand in another order, so their numbers change."


def _without(some: tuple[Condition, ...], others: tuple[Condition, ...]) -> list[Condition]:
    return [one for one in some if not any(same_condition(one, other) for other in others)]


def _cools(before: Agreement, after: Agreement) -> Iterator[str]:
    old, new = before.cools, after.cools
    if old is None and new is not None:
        yield f"accepted leads now go back to Marketing when {say(new, after)}."
    elif old is not None and new is None:
        yield "accepted leads no longer go back to Marketing by cooling."
    elif old is not None and new is not None and not same_condition(old, new):
        yield _now("cooling", f"when {say(new, after)}", f"when {say(old, before)}")


# --- promises, reasons, audits -----------------------------------------------------------


def _promises(before: Agreement, after: Agreement) -> Iterator[str]:
    for side, attribute, names in (
        ("Sales", "sales_promises", ("accept_within", "first_follow_up_within")),
        ("Marketing", "marketing_promises", ("hand_over_within", "touch_every", "answer_rejection_within")),
    ):
        old, new = getattr(before, attribute), getattr(after, attribute)
        if old is None or new is None:
            if old is not new:
                yield f"{side} {'promises nothing any more' if new is None else 'makes promises now'}."
            continue
        for name in names:
            yield from _duration(f"{side}: {name.replace('_', ' ')}", getattr(old, name), getattr(new, name))
    yield from _attempts(before, after)


def _duration(what: str, old: Duration, new: Duration) -> Iterator[str]:
    # `2 business days` can differ in length where only the market's hours changed, and that is said there.
    if (old.amount, old.business) != (new.amount, new.business) and old.written != new.written:
        yield f"{what} {new.written} instead of {old.written}."


def _attempts(before: Agreement, after: Agreement) -> Iterator[str]:
    if before.sales_promises is None or after.sales_promises is None:
        return
    old, new = before.sales_promises.attempts, after.sales_promises.attempts
    if old is None and new is not None:
        yield f"Sales promises {counted(new.at_least, 'attempt')} within {new.within.written}."
    elif old is not None and new is None:
        yield "Sales no longer promises a number of attempts."
    elif old is not None and new is not None:
        if old.at_least != new.at_least:
            yield f"Sales: {counted(new.at_least, 'attempt')} instead of {old.at_least:,}."
        yield from _duration("Sales: attempts within", old.within, new.within)


def _recycle(before: Agreement, after: Agreement) -> Iterator[str]:
    old = {reason.id: reason for reason in before.recycle}
    new = {reason.id: reason for reason in after.recycle}
    for name in old:
        if name not in new:
            yield f"the reason {name} is gone."
    for name, reason in new.items():
        if name not in old:
            yield f"the reason {name} is new. {reason_sentence(reason)}"
        elif old[name] != reason:
            yield f"the reason {name}: now “{reason_sentence(reason)}” Before: “{reason_sentence(old[name])}”"


def _audit(before: Agreement, after: Agreement) -> Iterator[str]:
    if before.audit != after.audit:
        yield f"audits: now “{' '.join(audit_sentences(after))}” Before: “{' '.join(audit_sentences(before))}”"


def _review(before: Agreement, after: Agreement) -> Iterator[str]:
    # Where only the market's zone moved, `_market` says so; the review's own words change with it.
    if before.review == after.review:
        return
    now, was = " ".join(review_sentences(after)), " ".join(review_sentences(before))
    if before.review is None:
        yield f"a regular review is new. {now}"
    elif after.review is None:
        yield "the regular review is gone."
    else:
        yield f"the regular review: now “{now}” Before: “{was}”"
