"""What last year's files cannot say, why not, and what to write down so that next year's can."""

from __future__ import annotations

from dataclasses import dataclass

from leadpact.lake.problems import counted
from leadpact.lake.read import Table
from leadpact.site.review_history import DAY, History
from leadpact.site.review_words import joined


@dataclass(frozen=True, slots=True)
class Gap:
    """One question that stays open. `whose`: which department writes it down: m, s or both."""

    question: str
    why: str
    record: str
    whose: str


def gaps(
    history: History, leads: Table, touches: Table | None, outcomes: Table | None, spend: Table | None
) -> list[Gap]:
    """Open questions, the dearest first."""
    out: list[Gap] = [second_error()]
    if not history.has("rejected"):
        out.insert(
            0,
            Gap(
                "How many leads were handed to Sales that were no good? (the first error)",
                "No rejection is recorded. A lead without an outcome may have been refused, lost, forgotten, or never seen by "
                "anybody.",
                "Every answer of a salesperson: accepted or rejected, when, and a reason from a short list that both sides "
                "agreed on.",
                "s",
            ),
        )
    steps = [name for name in ("accepted", "qualified", "opportunity") if not history.has(name)]
    if steps:
        out.append(
            Gap(
                "Where on the way to a sale are leads lost?",
                "The files do not say when a lead was "
                f"{joined(['opened as an opportunity' if name == 'opportunity' else name for name in steps], 'or')}.",
                "One row a step: lead_id, at, outcome. The instant matters as much as the step.",
                "s",
            )
        )
    if not history.has("lost"):
        silent = int((~history.reached["answered"]).sum())
        out.append(
            Gap(
                f"What became of the {'' if silent == history.leads else 'other '}{counted(silent, 'lead')}?",
                "No loss is recorded, so leads that said no and leads that nobody ever called look the same.",
                "Losses too, with the reason, and who closed them.",
                "s",
            )
        )
    if touches is None:
        out.append(
            Gap(
                "What did they do before they bought, and how fast did we answer?",
                "There is no file of touches: no visits, papers, seminars, mails or calls.",
                "Each contact in either direction: lead_id, kind (page.viewed, call.made, …), at, channel, campaign.",
                "both",
            )
        )
    elif history.contacted is None:
        out.append(
            Gap(
                "How fast did we answer?",
                "The touches hold nothing that we did: no call made, no mail sent, no meeting.",
                "Our own side of the conversation: call.made, call.attempted, email.sent, meeting.held.",
                "s",
            )
        )
    out.extend(_about_leads(history, leads, outcomes))
    if spend is None:
        out.append(
            Gap(
                "What does a sale cost, by channel?",
                "There is no file of spend.",
                "channel, day, amount, currency; channels named as the sources of leads are.",
                "m",
            )
        )
    if not history.has_values:
        out.append(
            Gap(
                "Which sources bring money, and not just clients?",
                "No value of a sale is recorded." if outcomes is not None else "No sale is recorded.",
                "value beside each won outcome.",
                "s",
            )
        )
    return out


def _about_leads(history: History, leads: Table, outcomes: Table | None) -> list[Gap]:
    out: list[Gap] = []
    if not (leads.column("account.id") or leads.column("account.domain") or leads.column("person.email")):
        out.append(
            Gap(
                "Do several people at one company buy together?",
                "Leads name neither a person nor an account.",
                "person.email, and account.id or account.domain.",
                "m",
            )
        )
    if not history.has_source:
        out.append(
            Gap(
                "Which sources are worth it?",
                "Leads do not say where they came from.",
                "lead.source, by a fixed list.",
                "m",
            )
        )
    vague = [name for name in history.sources if name.casefold() in {"unknown", "other", "n/a", "none", "unspecified"}]
    if history.has_source and (history.blank_sources or vague):
        hidden = history.blank_sources + sum(
            int((history.source == history.sources.index(name)).sum()) for name in vague
        )
        named = [f"“{name}”" for name in vague] + (["blank"] if history.blank_sources else [])
        out.append(
            Gap(
                "Where did the rest come from?",
                f"{counted(hidden, 'lead')} ({100 * hidden / history.leads:.0f}%) have a source that says nothing: "
                f"{joined(named)}.",
                "The source at the door, by machine, before anybody can forget it.",
                "m",
            )
        )
    if history.leads and not (history.created % DAY).any():
        out.append(
            Gap(
                "How did the first hour go?",
                "Leads carry the day on which they came in and no time of day, so waits are known to a day at best.",
                "created_at to the second, with its time zone.",
                "m",
            )
        )
    people = (
        [column.ours for column in outcomes.columns if column.why == "kept" and column.ours.endswith("_id")]
        if outcomes
        else []
    )
    if history.only_after:
        who = (
            f" Nor does any rate by {joined(people, 'or')}: whom the others were given to is not there."
            if people
            else ""
        )
        shown = history.only_after[:4]
        more = f" and {len(history.only_after) - 4} more" if len(history.only_after) > 4 else ""
        out.append(
            Gap(
                "Who is likely to buy?",
                f"{', '.join(shown)}{more} are known for the leads that were won and for no other, so they explain nothing: "
                f"to use them would be to read the answer first.{who}",
                "The same columns for every lead, written down before Sales decides; and to whom each lead was given.",
                "both",
            )
        )
    return out


def second_error() -> Gap:
    """No history without audits holds it: whom nobody called has no answer."""
    return Gap(
        "How many good leads withered with Marketing? (the second error)",
        "Only leads that Sales worked have an answer. Those it never saw have none, and no arithmetic on the others makes one.",
        "A blind check: each week a small random draw of the leads that Marketing keeps goes to Sales unmarked, with "
        "the odds of each draw kept.",
        "both",
    )
