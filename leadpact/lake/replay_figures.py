"""What a replay comes to: hand-overs a week, what Sales answered, and how two agreements differ.

A lead is handed over at the first instant at which its verdict is sales-ready, and again after a rest that Sales gave it in fact
(`hindsight.handed` says what is assumed). Weeks count every hand-over; answers and errors count leads.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np

from leadpact.lake import audited
from leadpact.lake.instants import iso
from leadpact.lake.problems import counted
from leadpact.lake.relations import LABELS, LEADS
from leadpact.lake.replay import HANDED, Judged, Replayed
from leadpact.lake.sampled.domains import FirstError, Left, first_error, left
from leadpact.lake.sampled.stratified import DRAWS
from leadpact.lake.shares import Estimate
from leadpact.lake.store import Store
from leadpact.language.nodes import THOUSANDTHS, VERDICT_NAMES

WEEK = 7 * 86_400_000_000
MONDAY = 4 * 86_400_000_000
MOVED = "replay_difference"
MOST_WEEKS = 60
NAMED = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one agreement's replay.

    weeks: (Monday in microseconds, hand-overs), every week of the period. again: hand-overs after a rest. standing: leads of the
    first week that were ready when the period began. verdicts: leads by verdict at the end. qualified, definition, other: first
    final answers of Sales on leads handed over; unlabelled: handed over without one. first_error: of those with an answer; error:
    with what blind audits say of the others; left: the second error.
    """

    leads: int
    changes: int
    handed: int
    standing: int
    weeks: tuple[tuple[int, int], ...]
    verdicts: dict[str, int]
    days_to_hand_over: float | None
    qualified: int
    definition: int
    other: int
    unlabelled: int
    first_error: Estimate | None
    again: int
    error: FirstError
    left: Left

    def json(self) -> dict[str, Any]:
        """For programs."""
        told = {name: value for name, value in ((n, getattr(self, n)) for n in self.__slots__) if name != "weeks"}
        told["weeks"] = [{"week": iso(start)[:10], "handed_over": many} for start, many in self.weeks]
        told |= {
            name: asdict(value) for name, value in told.items() if is_dataclass(value) and not isinstance(value, type)
        }
        told["error"]["additional"]["says"] = self.error.additional.says
        told["left"]["says"] = self.left.says
        return told


def figures(store: Store, found: Replayed, *, against: Replayed | None = None, draws: int = DRAWS) -> Figures:
    """The figures of a replay. against: the replay of the agreement that ran; whoever it hands over is no additional one.

    Both replays were made last in this store, over the same leads: their numbers are those of `hs_leads`.
    """
    every = HANDED.format(relation=found.relation)
    table = f"(SELECT h.*, l.created_at FROM {every} h JOIN {LEADS} l USING (lead_id) WHERE nth = 1)"
    standing = "FALSE" if found.start is None else f'"at" = {found.start} AND created_at < {found.start}'
    verdicts = dict(
        store.execute(
            f'SELECT v, count(*) FROM (SELECT arg_max(after, "at") AS v FROM {found.relation} GROUP BY lead_id) GROUP BY v'
        ).fetchall()
    )
    answers = dict(
        store.execute(
            "SELECT CASE WHEN a.answer IS NULL THEN 'none' WHEN a.answer = 'qualified' THEN 'qualified' "
            "WHEN a.blames = 'definition' THEN 'definition' ELSE 'other' END AS k, count(*) "
            f"FROM {table} h LEFT JOIN (SELECT lead_id, first.answer, first.blames FROM (SELECT lead_id, "
            'arg_min({answer: answer, blames: blames}, (coalesce(handed_at, "at"), "at", answer)) AS first '
            f"FROM {LABELS} GROUP BY lead_id)) a USING (lead_id) GROUP BY k"
        ).fetchall()
    )
    handed = int(store.one(f"SELECT count(*) FROM {table}"))
    error, stays = _errors(store, found, against, draws)
    good, bad = int(answers.get("qualified", 0)), int(answers.get("definition", 0))
    return Figures(
        leads=found.leads,
        changes=found.changes,
        handed=handed,
        standing=int(store.one(f"SELECT count(*) FROM {table} WHERE {standing}")),
        weeks=_weeks(store, every, found),
        verdicts={name: int(verdicts.get(name, 0)) for name in VERDICT_NAMES},
        days_to_hand_over=store.one(
            f'SELECT round(median(("at" - created_at) / 86400e6), 2) FROM {table} WHERE NOT ({standing})'
        ),
        qualified=good,
        definition=bad,
        other=int(answers.get("other", 0)),
        unlabelled=int(answers.get("none", 0)),
        first_error=error.labelled,
        again=int(store.one(f"SELECT count(*) FROM {every} WHERE nth > 1")),
        error=error,
        left=stays,
    )


def _errors(store: Store, found: Replayed, against: Replayed | None, draws: int) -> tuple[FirstError, Left]:
    """Both errors, with what blind audits say."""
    answers = store.execute(
        "SELECT ix, a.told.answer = 'qualified' AS good,"
        " coalesce(a.told.answer <> 'qualified' AND a.told.blames = 'definition', FALSE) AS bad FROM (SELECT lead_id,"
        ' arg_min({answer: answer, blames: blames}, (coalesce(handed_at, "at"), "at", answer)) AS told'
        f" FROM {LABELS} GROUP BY lead_id) a JOIN hs_leads USING (lead_id)"
    ).fetchnumpy()
    handed = found.handed.first
    good, bad, answered = (np.zeros(len(handed), bool) for _ in range(3))
    good[answers["ix"]], bad[answers["ix"]], answered[answers["ix"]] = answers["good"], answers["bad"], True
    frames = audited.frames(store, start=found.start, end=found.end)
    one = first_error(
        frames, handed=handed, against=handed if against is None else against.handed.first, good=good, bad=bad,
        answered=answered, draws=draws,
    )  # fmt: skip
    other = left(
        frames,
        handed=handed,
        with_sales=found.handed.with_sales,
        good=good,
        bad=bad,
        won=audited.won(store),
        draws=draws,
    )
    return one, other


def _weeks(store: Store, table: str, found: Replayed) -> tuple[tuple[int, int], ...]:
    begin = store.one(f'SELECT min("at") FROM {found.relation}') if found.start is None else found.start
    if begin is None:
        return ()
    counts = dict(store.execute(f'SELECT ("at" - {MONDAY}) // {WEEK}, count(*) FROM {table} GROUP BY 1').fetchall())
    low, high = (int(begin) - MONDAY) // WEEK, (found.end - MONDAY) // WEEK
    return tuple((week * WEEK + MONDAY, int(counts.get(week, 0))) for week in range(low, high + 1))


@dataclass(frozen=True, slots=True)
class Difference:
    """How one agreement's hand-overs differ from another's; names are the first of each."""

    gained: int
    lost: int
    earlier: int
    later: int
    same: int
    days_earlier: float | None
    days_later: float | None
    names: dict[str, list[str]]


def difference(store: Store, found: Replayed, against: Replayed) -> Difference:
    """Compare two replays whose figures were made; makes the table `replay_difference` of who moves how."""
    one, other = (f"(FROM {HANDED.format(relation=each.relation)} WHERE nth = 1)" for each in (found, against))
    store.execute(
        f"CREATE OR REPLACE TABLE {MOVED} AS SELECT coalesce(n.lead_id, o.lead_id) AS lead_id, "
        "CASE WHEN o.lead_id IS NULL THEN 'gained' WHEN n.lead_id IS NULL THEN 'lost' "
        'WHEN n."at" < o."at" THEN \'earlier\' WHEN n."at" > o."at" THEN \'later\' ELSE \'same\' END AS moves, '
        f'n."at" AS "at", o."at" AS against_at FROM {one} n FULL JOIN {other} o ON o.lead_id = n.lead_id'
    )
    counts = dict(store.execute(f"SELECT moves, count(*) FROM {MOVED} GROUP BY moves").fetchall())
    days = dict(
        store.execute(
            f'SELECT moves, round(median(abs("at" - against_at)) / 86400e6, 2) FROM {MOVED} '
            "WHERE moves IN ('earlier', 'later') GROUP BY moves"
        ).fetchall()
    )
    names: dict[str, list[str]] = {}
    for moves in ("gained", "lost", "earlier", "later"):
        rows = store.execute(
            f"SELECT lead_id FROM {MOVED} WHERE moves = '{moves}' ORDER BY coalesce(\"at\", against_at), lead_id LIMIT {NAMED}"
        ).fetchall()
        names[moves] = [str(name) for (name,) in rows]
    of = {name: int(counts.get(name, 0)) for name in ("gained", "lost", "earlier", "later", "same")}
    return Difference(**of, days_earlier=days.get("earlier"), days_later=days.get("later"), names=names)


# --- in words ---------------------------------------------------------------------------


def in_words(
    name: str, found: Replayed, told: Figures, *, capacity: int | None, against: tuple[str, Figures, Difference] | None
) -> list[str]:
    """The figures for people."""
    begin = iso(told.weeks[0][0])[:10] if told.weeks and found.start is None else iso(found.start)
    out = [f"“{name}” over {counted(told.leads, 'lead')}, from {begin} to {iso(found.end)}:"]
    out.append(
        f"  {counted(told.changes, 'row')} of verdicts; {counted(told.handed, 'lead')} handed over" + _standing(told)
    )
    if told.again:
        out.append(
            f"  {counted(told.again, 'hand-over')} more after a rest: leads that Sales gave back in fact, as if it had given them "
            "back here, too; other answers cannot be known"
        )
    if told.days_to_hand_over is not None:
        out.append(f"  half of the others within {told.days_to_hand_over:g} days of coming in")
    at_end = ", ".join(f"{name.replace('_', '-')} {many:,}" for name, many in told.verdicts.items())
    out.append(f"  verdicts at the end: {at_end}")
    out += _weeks_in_words(told, capacity, against[1] if against else None)
    out += _answers_in_words(told)
    out += _left_in_words(told)
    if against:
        out += _difference_in_words(*against)
    return out


def _standing(told: Figures) -> str:
    if not told.standing:
        return "."
    return f", {told.standing:,} of them at once: they were ready when the period began."


def _weeks_in_words(told: Figures, capacity: int | None, against: Figures | None) -> list[str]:
    if not told.weeks or not (told.handed or (against and against.handed)):
        return []
    others = dict(against.weeks) if against else {}
    peak = max(1, *(many for _, many in told.weeks), *others.values(), capacity or 0)
    out = ["Handed over a week" + (f", of which Sales can take {capacity:,}:" if capacity is not None else ":")]
    shown = told.weeks[-MOST_WEEKS:]
    if len(shown) < len(told.weeks):
        out.append(f"  (the last {MOST_WEEKS} of {len(told.weeks):,} weeks; --json prints all)")
    for start, many in shown:
        beside = f"  against {others.get(start, 0):>6,}" if against else ""
        over = f"  {many - capacity:,} too many" if capacity is not None and many > capacity else ""
        bar = "#" * round(30 * many / peak)
        out.append(f"  {iso(start)[:10]}  {many:>6,}{beside}  {bar}{over}".rstrip())
    if capacity is not None:
        late = sum(many > capacity for _, many in told.weeks)
        out.append(f"  more than Sales can take in {late:,} of {counted(len(told.weeks), 'week')}.")
    return out


def _answers_in_words(told: Figures) -> list[str]:
    if not told.handed:
        return ["Nobody would have been handed over, so there is no first error either."]
    labelled = told.qualified + told.definition + told.other
    if not labelled:
        return [
            "Of the leads handed over none has an answer from Sales: nothing can be said of the first error (--outcomes)."
        ]
    out = [
        f"Sales answered {labelled:,} of them: {told.qualified:,} qualified, {told.definition:,} not what was agreed,"
    ]
    out[0] += f" {told.other:,} for other reasons."
    if told.first_error is not None:
        out.append(f"First error: {_percent(told.first_error)}.")
    out += _unanswered_in_words(told)
    return out


def _unanswered_in_words(told: Figures) -> list[str]:
    """What audits say of hand-overs without an answer, and both parts together."""
    if not told.unlabelled:
        return []
    more = told.error.additional
    out = []
    if more.leads:
        out.append(more.says)
        if 0 < more.covered < more.leads:
            out.append(
                f"  {more.leads - more.covered:,} of them were in no audit's frame about then: taken to be as the others."
            )
    others = told.unlabelled - more.leads
    if others:
        out.append(
            f"Sales never answered {counted(others, 'lead')} handed over here"
            + (" and by the agreement that ran" if more.leads else "")
            + ": whether it was right to hand them over cannot be said from this history."
            + (
                ""
                if more.leads
                else " Blind audits can tell of those that another agreement would hand over in addition."
            )
        )
    if told.error.both is not None and more.leads:
        out.append(f"First error of all, with the audits' part: {_percent(told.error.both)}.")
    elif more.leads and told.error.low_bound is not None and told.error.high_bound is not None:
        low, high = 100 * told.error.low_bound, 100 * told.error.high_bound
        out.append(
            f"First error of all: from {low:.1f}% if all of the additional ones were good to {high:.1f}% if all were false."
        )
    return out


def _left_in_words(told: Figures) -> list[str]:
    """The second error: sampled, and counted."""
    out = []
    if told.left.frame:
        out.append(f"Second error. {told.left.says}")
    if told.left.known or told.left.won:
        out.append(
            f"{counted(told.left.known, 'lead')} that Sales qualified would never be handed over; "
            f"{counted(told.left.won, 'lead')} that {'was' if told.left.won == 1 else 'were'} won would not be before."
        )
    return out


def _percent(error: Estimate) -> str:
    return f"{100 * error.value:.1f}% (95% interval {100 * error.low:.1f} to {100 * error.high:.1f}%, n = {error.n:,})"


def _difference_in_words(name: str, other: Figures, moved: Difference) -> list[str]:
    out = [f"Against “{name}”, which hands over {counted(other.handed, 'lead')}:"]
    days = {"earlier": moved.days_earlier, "later": moved.days_later}
    for moves in ("gained", "lost", "earlier", "later"):
        many = int(getattr(moved, moves))
        by = f" (half of them by {days[moves]:g} days or more)" if days.get(moves) is not None else ""
        names = f": {', '.join(moved.names[moves])}{' …' if many > NAMED else ''}" if many else ""
        out.append(f"  {moves:<8}{many:>8,}{by}{names}")
    out.append(f"  {'the same':<8}{moved.same:>8,}")
    if other.first_error is not None:
        out.append(f"  its first error: {_percent(other.first_error)}")
    out += [f"  {line}" for line in _left_in_words(other)]
    return out


# --- one lead ---------------------------------------------------------------------------


def story_in_words(story: list[Judged]) -> list[str]:
    """Every judged instant of a lead: a line each, and the whole explanation where the verdict changed."""
    if not story:
        return ["The lead came in after the period: it was not judged."]
    out = [f"Lead {story[0].judgement.lead_id}, judged {len(story):,} times:"]
    before = ""
    for one in story:
        judged = one.judgement
        scores = ", ".join(f"{name} {value / THOUSANDTHS:g}" for name, value in judged.scores.items())
        mark = "*" if judged.verdict != before else " "
        by = f" ({judged.decided_by})" if judged.decided_by else ""
        out.append(f"{mark} {iso(judged.as_of):<27} {judged.verdict.replace('_', '-')}{by}; {scores}")
        if judged.verdict != before:
            out += [f"      {line}".rstrip() for line in one.explanation.text().splitlines()]
        before = judged.verdict
    return out


def judged_json(one: Judged) -> dict[str, Any]:
    """One judged instant for programs. Scores and points in thousandths."""
    judged = one.judgement
    return {
        "at": iso(judged.as_of),
        "verdict": judged.verdict,
        "decided_by": judged.decided_by,
        "scores": judged.scores,
        "lines": [
            {"line": part.line_id, "state": part.state, "touches": list(part.touch_ids), "points": part.points}
            for part in judged.lines
        ],
        "says": one.explanation.headline,
    }


def moved_name(name: str) -> str:
    """The file beside `--out` that tells who moves: replay.csv.gz gives replay.moved.csv.gz."""
    stem, dot, ending = name.removesuffix(".gz").rpartition(".")
    return f"{stem}.moved{dot}{ending}" + (".gz" if name.endswith(".gz") else "")
