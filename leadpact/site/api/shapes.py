"""What goes in and out, as the schema tells it. Instants: ISO 8601 in UTC; scores and points: thousandths of a point."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime, ConfigDict

from leadpact.kit.instants import from_us

Verdict = Literal["disqualified", "sales_ready", "lead", "prospect"]
Holder = Literal["marketing", "sales", "closed"]
MOST_MONEY = 10**15

Text = Annotated[str, Field(max_length=4_000, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]
Money = Annotated[
    int, Field(strict=True, ge=0, le=MOST_MONEY, description="Whole minor units of money: 1250000 is 12,500.00.")
]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="ISO 8601, UTC, with a Z.")]
Thousandths = Annotated[int, Field(description="Thousandths of a point: 40000 is 40 points.")]


def iso(us: int) -> str:
    """'2026-05-28T20:26:40Z', with as many digits below the second as the instant has."""
    return from_us(us).isoformat().replace("+00:00", "Z")


def iso_or_none(us: int | None) -> str | None:
    """The same where there may be none."""
    return iso(us) if us is not None else None


class Custody(Schema):
    """Who holds a lead. A blind key sees neither state nor clock while Marketing holds it: they tell the verdict."""

    holder: Holder
    state: str | None
    since: Instant
    due: Instant | None = Field(description="When the clock that runs on it ends.")
    due_what: str = Field(description="Which clock: accept_within, first_follow_up_within, attempts, next_step, …")
    salesperson: str | None = Field(description="Whoever holds it in Sales, by e-mail address.")


class Scores(Schema):
    """Thousandths of a point each."""

    fit: Thousandths
    engagement: Thousandths
    readiness: Thousandths


class Lead(Schema):
    """A lead. `verdict` and `scores` are null for blind keys; `scores` also before the first judgement."""

    id: int
    email: str | None
    name: str
    account: str | None
    verdict: Verdict | None
    custody: Custody
    scores: Scores | None


class Leads(Schema):
    """A page of leads by rising id. `next`: the cursor of the next page, null on the last."""

    items: list[Lead]
    next: str | None


class Line(Schema):
    """A line of the agreement on this lead. `points` null: it could not be judged and adds nothing."""

    id: str
    says: str
    holds: bool | None
    count: int
    points: Thousandths | None
    why: str


class Dimension(Schema):
    """One score and its lines."""

    dimension: str
    title: str
    score: Thousandths
    lines: list[Line]


class Clause(Schema):
    """One alternative of a verdict. `missing`: thousandths of score that it wants; null: more than score is missing."""

    clause: str
    verdict: Verdict
    says: str
    holds: bool | None
    missing: Thousandths | None
    decided: bool


class Judged(Schema):
    """The verdict opened to its lines."""

    as_of: Instant
    agreement: str = Field(description="Hash of the version that judged.")
    decided_by: str
    headline: str
    unknown: str
    dimensions: list[Dimension]
    clauses: list[Clause]


class Explanation(Schema):
    """Why. `met`: the agreement's sentences that the lead meets. `judged` is null for blind keys and before the first verdict."""

    met: list[str]
    judged: Judged | None


class ExplainedLead(Lead):
    """A lead with its explanation."""

    explanation: Explanation


class TouchItem(Schema):
    """A touch. `counted` false: withdrawn, or seen to be a machine's."""

    type: Literal["touch"] = "touch"
    at: Instant
    title: str
    note: str
    id: int
    kind: str
    channel: str
    campaign: str
    properties: dict[str, Any]
    counted: bool


class CustodyItem(Schema):
    """An entry of the ledger. `note`: what somebody wrote. Blind keys get no judgements, no cause of a hand-over, and neither
    state nor clock of an entry by which Marketing holds the lead.
    """

    type: Literal["custody"] = "custody"
    at: Instant
    title: str
    note: str
    seq: int
    move: str
    holder: Holder
    state: str | None
    actor: str | None
    by: str | None
    salesperson: str | None
    reason: str | None
    cause: str | None
    verdict: Verdict | None
    due: Instant | None
    due_what: str
    not_before: Instant | None
    value: int | None = Field(description="Whole minor units of money.")


class Timeline(Schema):
    """Oldest first. `complete` false: the lead has more touches than are told, the oldest are left out."""

    items: list[Annotated[TouchItem | CustodyItem, Field(discriminator="type")]]
    complete: bool


class Sentence(Schema):
    """One thing that is agreed; `points` such as "+20", empty for blind keys as is `detail`."""

    id: str
    text: str
    points: str
    detail: str


class Section(Schema):
    """A part of the agreement, read aloud."""

    key: str
    title: str
    intro: str
    sentences: list[Sentence]


class Agreement(Schema):
    """The version in force. Blind keys get no source, points, or sections with thresholds."""

    hash: str
    number: int
    name: str
    effective_at: Instant
    sections: list[Section]
    sentences: list[str] = Field(description="All sentences of the sections, in order.")
    source: str | None = Field(description="The file as its authors wrote it.")


class Estimate(Schema):
    """A share between 0 and 1 with its 95% interval; null where nothing can be said. `n`: answers it rests on."""

    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    says: str
    detail: dict[str, Any]


class Withering(Schema):
    """The counted part of the second error. Numbers of leads."""

    late_hand_over: int
    waiting_now: int
    no_follow_up: int
    late_graduates: int


class Guesses(Schema):
    """Asked after some answers "was this a check?": right guesses; checks and others that were taken for a check."""

    right: Estimate
    checks: Estimate
    others: Estimate
    difference: Estimate = Field(description="checks less others; nought where nobody can tell.")
    skipped: int


class Errors(Schema):
    """Both errors of [from, to). first: handed over and not good. second: good and left with Marketing."""

    since: Instant = Field(serialization_alias="from")
    until: Instant = Field(serialization_alias="to")
    first: Estimate
    second: Estimate
    recall: Estimate
    withering: Withering
    guesses: Guesses
    pool: int = Field(description="Leads that Marketing nurtures now.")


class ProblemShape(Schema):
    """RFC 9457. `detail` says what to do, `code` is for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, str]] = []


class Said(Schema):
    """What every answer can bring."""

    model_config = ConfigDict(extra="forbid")
    note: Text = ""


class WithReason(Said):
    """An answer that needs a reason: one of the agreement's, or of those that the refusal names."""

    reason: Code


class Recycling(WithReason):
    """`not_before`: when it wakes, instead of after the reason's rest."""

    not_before: AwareDatetime | None = None


class WithNextStep(Said):
    """`next_step_at`: when the next step is due; two weeks from now where nothing is said."""

    next_step_at: AwareDatetime | None = None


class FollowUp(WithNextStep):
    """A call: attempt (nobody reached) or conversation."""

    outcome: Literal["attempt", "conversation"]


class Opportunity(WithNextStep):
    """An opportunity of this value."""

    value: Money


class Won(Said):
    """A sale of this value."""

    value: Money


class Reassigning(Said):
    """`to`: the colleague's e-mail address."""

    to: Annotated[str, Field(max_length=254, pattern=r"^[^\x00]+$")]
