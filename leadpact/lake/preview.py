"""Preview: an agreement with other points, caps or thresholds over last year, in a fraction of a second.

`prepare` replays once and keeps the rows (`hindsight.segments`) as files; `open_bench` maps them, so that several processes
share one copy; `Bench.preview` goes over the rows again with the changed agreement. It is exact: a test holds it equal to
a replay of the changed agreement.

A lead is handed over at the first instant at which its verdict is sales-ready, and again after a rest that Sales gave it in fact
(`hindsight.handed` says what is assumed). The period begins as if the agreement took effect then: whoever came in before and was
ready at that instant is handed over at once (`standing`), in the first week.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from leadpact.kit.failures import CannotDo
from leadpact.lake import audited
from leadpact.lake.hindsight.evidence import Evidence, LineEvidence
from leadpact.lake.hindsight.handed import NEVER, Handed, Returns, hand_overs, joined
from leadpact.lake.hindsight.measured import columns
from leadpact.lake.hindsight.past import Counting, Past
from leadpact.lake.hindsight.reach import reach
from leadpact.lake.hindsight.segments import Ints, Segments
from leadpact.lake.hindsight.verdicts import Decider
from leadpact.lake.instants import iso
from leadpact.lake.relations import LABELS, TOUCHES
from leadpact.lake.replay import BATCH_LEADS, period, segments
from leadpact.lake.sampled.domains import FirstError, Frames, Left, first_error, left
from leadpact.lake.shares import Estimate
from leadpact.lake.store import Store
from leadpact.language.canonical import canonical, load
from leadpact.language.check_history import Gap, LineSeen, Seen
from leadpact.language.needs import lists_of
from leadpact.language.nodes import DIMENSIONS, Agreement, Each, Line, Score

FORM = 3
NAMES = 200
"""Leads named among those gained, and among those lost; the counts are whole."""
DRAWS = 4_000
"""Draws behind the intervals of a preview: quick, and a replay's 100,000 differ in the third digit."""
WEEK = 7 * 86_400_000_000
MONDAY = 4 * 86_400_000_000
"""1970 began on a Thursday; weeks begin on Mondays, 00:00 UTC."""
NO_LABEL, GOOD, BAD, OTHER = 0, 1, 2, 3
"""Sales' first final answer on a lead: none, qualified, the definition to blame, any other."""


class CannotPreview(CannotDo):
    """The changed agreement differs in more than points, caps and thresholds: it needs a preparation of its own."""


@dataclass(frozen=True, slots=True)
class Week:
    """start: Monday, 00:00 UTC, in microseconds. handed: hand-overs in the week."""

    start: int
    handed: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a changed agreement would have done to last year.

    weeks: each week of the period. handed, base_handed: leads handed over under the changed and the base agreement; standing,
    base_standing: how many of them were ready when the period began. gained, lost: lead_ids handed over under one only, by
    the instant of their hand-over, capped at `NAMES`; gained_count, lost_count: all of them. earlier, later: handed over
    under both, at another instant. first_error: definition-blamed ÷ (definition-blamed + qualified) over leads handed over
    that Sales answered; None where there is none. labelled, unlabelled: leads handed over with and without a final answer.
    again, base_again: hand-overs after a rest, which weeks count and handed does not. error, base_error: the first error with
    what audits say of those without an answer. left, base_left: the second error.
    """

    weeks: tuple[Week, ...]
    handed: int
    base_handed: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    first_error: Estimate | None
    labelled: int
    unlabelled: int
    lines: tuple[LineEvidence, ...]
    base_weeks: tuple[Week, ...] = ()
    base_first_error: Estimate | None = None
    gained_count: int = 0
    lost_count: int = 0
    earlier: int = 0
    later: int = 0
    standing: int = 0
    base_standing: int = 0
    again: int = 0
    base_again: int = 0
    base_labelled: int = 0
    error: FirstError | None = None
    base_error: FirstError | None = None
    left: Left | None = None
    base_left: Left | None = None


def prepare(
    store: Store,
    agreement: Agreement,
    *,
    start: int | None = None,
    end: int | None = None,
    out: Path,
    batch_leads: int = BATCH_LEADS,
    told: Callable[[float], None] = lambda _: None,
) -> None:
    """Replay the history in the store and keep its rows in the folder `out`, for `open_bench`.

    A folder that is there already is replaced; benches that have it open go on with what they have. Raises CannotDo when
    there is no history, or the period ends before it begins.
    """
    until = period(store, start, end)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _prepare(store, agreement, start, until, draft, batch_leads, told)
        if out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
            out.rename(old / out.name)
            draft.rename(out)
            shutil.rmtree(old)
        else:
            draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _prepare(
    store: Store,
    agreement: Agreement,
    start: int | None,
    end: int,
    out: Path,
    batch_leads: int,
    told: Callable[[float], None],
) -> None:
    numbers: list[dict[str, int]] = []
    handed: list[Handed] = []
    returns = Returns.none()
    evidence, counting = Evidence.empty(agreement), Counting(agreement, columns(agreement))
    labels = np.empty(0, np.int8)
    for gathered, rows in segments(store, agreement, start=start, end=end, batch_leads=batch_leads, told=told):
        if not numbers:
            labels = _leads(store, out, start)
            returns = _beside(store, out, start, end)
        decider = Decider.of(agreement, gathered.columns)
        count = len(rows.circles)
        handed.append(hand_overs(rows, decider, returns.between(rows.low, rows.low + count)))
        asked = store.execute(
            f'SELECT ix - {rows.low} AS lead, min(coalesce(handed_at, "at")) AS instant FROM {LABELS} '
            f"JOIN hs_leads USING (lead_id) WHERE ix >= {rows.low} AND ix < {rows.low + count} GROUP BY ix ORDER BY ix"
        ).fetchnumpy()
        evidence.add(rows, decider, asked["lead"], asked["instant"], labels[rows.low : rows.low + count])
        rows.save(out / f"batch-{len(numbers)}")
        np.save(out / f"plain-{len(numbers)}.npy", counting.add(gathered, rows))
        numbers.append(rows.numbers)
    if not numbers:
        _leads(store, out, start)
        _beside(store, out, start, end)
    whole = joined(handed, [one["low"] for one in numbers])
    for name in _HANDED:
        np.save(out / f"handed-{name}.npy", getattr(whole, name))
    (out / "agreement.json").write_bytes(canonical(agreement))
    told_lines = [asdict(line) for line in evidence.lines()]
    touches = bool(store.one(f"SELECT count(*) FROM (FROM {TOUCHES} LIMIT 1)"))
    meta = {
        "form": FORM, "start": start, "end": end, "batches": numbers, "lines": told_lines, "past": asdict(counting.past(touches)),
    }  # fmt: skip
    (out / "bench.json").write_text(json.dumps(meta), encoding="utf-8")


def _leads(store: Store, out: Path, start: int | None) -> NDArray[np.int8]:
    """Names, labels, and who was there before the period, each by the number of the lead; the labels."""
    label = f"CASE WHEN answer = 'qualified' THEN {GOOD} WHEN blames = 'definition' THEN {BAD} ELSE {OTHER} END"
    found = store.connection.sql(
        f"SELECT l.lead_id, l.first, coalesce(a.label, {NO_LABEL})::TINYINT AS label, "
        f"{'FALSE' if start is None else f'l.created_at < {start}'} AS old FROM hs_leads l LEFT JOIN ("
        f'SELECT lead_id, arg_min({label}, (coalesce(handed_at, "at"), "at", answer)) AS label FROM {LABELS} GROUP BY lead_id) a '
        "USING (lead_id) ORDER BY l.ix"
    ).to_arrow_table()
    names = [str(name).encode() for name in found.column("lead_id").to_pylist()]
    np.save(out / "name_ends.npy", np.cumsum([len(name) for name in names], dtype=np.int64))
    np.save(out / "names.npy", np.frombuffer(b"".join(names), np.uint8))
    np.save(out / "first.npy", found.column("first").to_numpy().astype(np.int64))
    np.save(out / "old.npy", found.column("old").to_numpy(zero_copy_only=False).astype(bool))
    labels = found.column("label").to_numpy().astype(np.int8)
    np.save(out / "labels.npy", labels)
    return labels


def _beside(store: Store, out: Path, start: int | None, end: int) -> Returns:
    """What is known beside verdicts, by the number of the lead: returns, wins, audits. The returns."""
    found = audited.returns(store)
    for name in _RETURNS:
        np.save(out / f"returns-{name}.npy", getattr(found, name))
    np.save(out / "won.npy", audited.won(store))
    sampled = audited.frames(store, start=start, end=end)
    if sampled is not None:
        (out / "frames").mkdir()
        for name in _FRAMES:
            np.save(out / "frames" / f"{name}.npy", getattr(sampled, name))
        (out / "frames" / "strata.json").write_text(json.dumps(sampled.strata), encoding="utf-8")
    return found


_HANDED = tuple(field.name for field in fields(Handed))
_RETURNS = tuple(field.name for field in fields(Returns))
_FRAMES = tuple(field.name for field in fields(Frames) if field.name != "strata")


def _frames(path: Path) -> Frames | None:
    if not path.exists():
        return None
    strata = tuple(json.loads((path / "strata.json").read_text(encoding="utf-8")))
    return Frames(strata, *(np.load(path / f"{name}.npy", mmap_mode="r") for name in _FRAMES))


@dataclass(frozen=True, slots=True)
class Bench:
    """A prepared history, mapped. start, end: the period; base: the agreement that it was prepared for."""

    path: Path
    base: Agreement
    start: int | None
    end: int
    batches: tuple[Segments, ...]
    handed: Handed
    returns: Returns
    frames: Frames | None
    first: Ints
    old: NDArray[np.bool_]
    labels: NDArray[np.int8]
    won: Ints
    lines: tuple[LineEvidence, ...]
    base_errors: tuple[FirstError, Left]
    past: Past
    plain: tuple[Ints, ...]
    """By batch: how many rows without a fading touch hold each pattern."""

    def preview(self, changed: Agreement) -> Preview:
        """What the changed agreement would have done, beside the base.

        Raises CannotPreview when it differs in more than points, `at_most`, thresholds of scores, `cools`, and what does not
        judge (words, promises, reasons, audits).
        """
        found = self._hand_overs(changed)
        now, base = found.first, np.asarray(self.handed.first)
        gained = np.flatnonzero((now != NEVER) & (base == NEVER))
        lost = np.flatnonzero((now == NEVER) & (base != NEVER))
        both = (now != NEVER) & (base != NEVER)
        labels = self.labels[now != NEVER]
        error, stays = errors(found, base, self.frames, self.labels, self.won, draws=DRAWS)
        return Preview(
            weeks=self._weeks(found),
            handed=int((now != NEVER).sum()),
            base_handed=int((base != NEVER).sum()),
            gained=self._named(gained, now),
            lost=self._named(lost, base),
            first_error=error.labelled,
            labelled=int((labels != NO_LABEL).sum()),
            unlabelled=int((labels == NO_LABEL).sum()),
            lines=self.lines,
            base_weeks=self._weeks(self.handed),
            base_first_error=self.base_errors[0].labelled,
            gained_count=len(gained),
            lost_count=len(lost),
            earlier=int((both & (now < base)).sum()),
            later=int((both & (now > base)).sum()),
            standing=self._standing(now),
            base_standing=self._standing(base),
            again=len(found.again_at),
            base_again=len(self.handed.again_at),
            base_labelled=int((self.labels[base != NEVER] != NO_LABEL).sum()),
            error=error,
            base_error=self.base_errors[0],
            left=stays,
            base_left=self.base_errors[1],
        )

    def seen(self, other: Agreement) -> Seen:
        """What the whole period says of another agreement, for the warnings that need history.

        Of lines that read the same here; of scores whose lines all do, whatever points and caps they have; and of verdicts where
        nothing but numbers differs. Of anything else nothing is in it.
        """
        same = self._same(other)
        whole = [dimension for dimension in DIMENSIONS if all(line.id in same for line in other.lines_of(dimension))]
        try:
            check(self.base, other)
            verdicts = other.verdicts
        except CannotPreview:
            verdicts = ()
        asked = replace(
            other, lines=tuple(line for line in other.lines if line.dimension in whole), verdicts=verdicts, cools=None
        )
        found = reach(list(zip(self.batches, self.plain, strict=True)), Decider.of(asked, columns(self.base)))
        return Seen(
            leads=len(self.first),
            judgements=self.past.judgements,
            when=self.when,
            touches=self.past.touches,
            gaps=self.past.gaps,
            lines={name: one for name, one in self.past.lines.items() if name in same},
            reached={name: ends for name, ends in found.scores.items() if name in whole},
            verdicts=found.verdicts if verdicts else {},
        )

    def at_end(self, other: Agreement) -> Seen:
        """The same of lines alone, as of the end of the period: a value that is learnt late is there then."""
        same = self._same(other)
        lines = {one.line_id: LineSeen(one.met, one.unknown, 0) for one in self.lines if one.line_id in same}
        return Seen(len(self.first), len(self.first), f"on {iso(self.end)[:10]}", self.past.touches, lines=lines)

    @property
    def when(self) -> str:
        """The period in words."""
        begin = int(self.first.min()) if self.start is None and len(self.first) else self.start or self.end
        return f"from {iso(begin)[:10]} to {iso(self.end)[:10]}"

    def _same(self, other: Agreement) -> set[str]:
        """Lines of another agreement that read the same here, whatever else differs in it."""
        mine, theirs = dict(self.base.lists), dict(other.lists)
        moved = {name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name)}
        lines = {line.id: _line(line) for line in self.base.lines}
        return {line.id for line in other.lines if lines.get(line.id) == _line(line) and not moved & lists_of(line)}

    def hand_overs(self, changed: Agreement) -> dict[str, tuple[int, ...]]:
        """When each lead that is handed over under the changed agreement is: lead_id → instants. For files and tests."""
        found = self._hand_overs(changed)
        who = np.flatnonzero(found.first != NEVER)
        again: dict[int, list[int]] = {}
        for lead, at in zip(found.again_lead.tolist(), found.again_at.tolist(), strict=True):
            again.setdefault(lead, []).append(at)
        return {
            name: (int(found.first[lead]), *sorted(again.get(int(lead), ())))
            for name, lead in zip(self._names(who), who, strict=True)
        }

    def _hand_overs(self, changed: Agreement) -> Handed:
        check(self.base, changed)
        made = columns(self.base)
        parts = [
            hand_overs(rows, Decider.of(changed, made), self.returns.between(rows.low, rows.low + len(rows.circles)))
            for rows in self.batches
        ]
        return joined(parts, [rows.low for rows in self.batches])

    def _standing(self, handed: Ints) -> int:
        return int((self.old & (handed == self.first) & (handed != NEVER)).sum())

    def _weeks(self, handed: Handed) -> tuple[Week, ...]:
        """Every week of the period, those without a hand-over too."""
        if not len(self.first):
            return ()
        begin = int(self.first.min()) if self.start is None else self.start
        low = (begin - MONDAY) // WEEK
        counts = np.bincount((handed.all - MONDAY) // WEEK - low, minlength=(self.end - MONDAY) // WEEK - low + 1)
        return tuple(Week((low + place) * WEEK + MONDAY, int(many)) for place, many in enumerate(counts))

    def _named(self, who: Ints, handed: Ints) -> tuple[str, ...]:
        order = np.argsort(handed[who], kind="stable")[:NAMES]
        return self._names(who[order])

    def _names(self, who: Ints) -> tuple[str, ...]:
        names, ends = (
            np.load(self.path / "names.npy", mmap_mode="r"),
            np.load(self.path / "name_ends.npy", mmap_mode="r"),
        )
        begins = [int(ends[place - 1]) if place else 0 for place in who]
        return tuple(names[begin : ends[place]].tobytes().decode() for begin, place in zip(begins, who, strict=True))


def open_bench(path: Path) -> Bench:
    """Map what `prepare` wrote. Raises CannotDo when it is not there, or written by another version."""
    try:
        meta = json.loads((path / "bench.json").read_text(encoding="utf-8"))
        if meta["form"] != FORM:
            raise CannotDo(f"{path} was prepared by another version of leadpact: prepare it again.")
        mapped = {name: np.load(path / f"{name}.npy", mmap_mode="r") for name in ("first", "old", "labels", "won")}
        handed = Handed(*(np.load(path / f"handed-{name}.npy", mmap_mode="r") for name in _HANDED))
        returns = Returns(*(np.load(path / f"returns-{name}.npy", mmap_mode="r") for name in _RETURNS))
        sampled = _frames(path / "frames")
        batches = tuple(
            Segments.load(path / f"batch-{place}", **numbers) for place, numbers in enumerate(meta["batches"])
        )
        plain = tuple(np.load(path / f"plain-{place}.npy", mmap_mode="r") for place in range(len(batches)))
        base = load((path / "agreement.json").read_bytes())
        past = _past(meta["past"])
    except (OSError, ValueError, KeyError) as error:
        raise CannotDo(f"{path} holds no prepared history ({error}): prepare it first.") from error
    lines = tuple(LineEvidence(**line) for line in meta["lines"])
    beside = errors(handed, handed.first, sampled, mapped["labels"], mapped["won"], draws=DRAWS)
    return Bench(
        path,
        base,
        meta["start"],
        meta["end"],
        batches,
        handed,
        returns,
        sampled,
        lines=lines,
        base_errors=beside,
        past=past,
        plain=plain,
        **mapped,
    )


def _past(told: dict[str, Any]) -> Past:
    lines = {name: LineSeen(**one) for name, one in told["lines"].items()}
    gaps = {name: Gap(**one) for name, one in told["gaps"].items()}
    return Past(told["judgements"], told["touches"], lines, gaps)


def errors(
    handed: Handed, against: Ints, frames: Frames | None, labels: NDArray[np.int8], won: Ints, *, draws: int
) -> tuple[FirstError, Left]:
    """Both errors of some hand-overs, beside the first hand-overs of another agreement. labels, won: of every lead."""
    good, bad = np.asarray(labels == GOOD), np.asarray(labels == BAD)
    one = first_error(
        frames,
        handed=handed.first,
        against=against,
        good=good,
        bad=bad,
        answered=np.asarray(labels != NO_LABEL),
        draws=draws,
    )
    other = left(
        frames, handed=handed.first, with_sales=handed.with_sales, good=good, bad=bad, won=np.asarray(won), draws=draws
    )
    return one, other


# --- what may differ --------------------------------------------------------------------


def check(base: Agreement, changed: Agreement) -> None:
    """Raise CannotPreview, naming what differs, unless both read the same of history."""
    if base.lists != changed.lists:
        raise CannotPreview("its lists differ: only points, caps and thresholds can be tried at once.")
    mine, theirs = {line.id: _line(line) for line in base.lines}, {line.id: _line(line) for line in changed.lines}
    for name in [*mine, *theirs]:
        if name not in theirs or name not in mine:
            raise CannotPreview(
                f"line {name} is only in one of the two: only points, caps and thresholds can be tried at once."
            )
        if mine[name] != theirs[name]:
            raise CannotPreview(f"line {name} reads something else: only its points and its cap can be tried at once.")
    if _hollow(base.verdicts) != _hollow(changed.verdicts):
        raise CannotPreview("its verdicts differ in more than thresholds of scores.")


def _line(line: Line) -> Line:
    rule = replace(line.rule, at_most=None) if isinstance(line.rule, Each) else line.rule
    return replace(line, says="", points=0, rule=rule)


def _hollow(node: object) -> object:
    """The shape of a condition without the thresholds of its scores."""
    if isinstance(node, tuple):
        return tuple(_hollow(part) for part in cast("tuple[object, ...]", node))
    if isinstance(node, Score):
        return (Score, node.dimension)
    if is_dataclass(node):
        parts: list[Any] = [type(node), *(_hollow(getattr(node, field.name)) for field in fields(node))]
        return tuple(parts)
    return node
