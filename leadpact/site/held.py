"""Everything that is held about a person, read across rooms: for whoever asks what we know of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from leadpact.capture.actions.forgetting import runs_that_say
from leadpact.custody import queries as custody
from leadpact.distribution.models import Offer
from leadpact.kit import formats
from leadpact.leads.models import AttributeFact, Identifier, Lead, Merge, Person, Touch
from leadpact.loop.erasing import Whom
from leadpact.qualification.models import Judgement
from leadpact.tracking.models import Opportunity
from leadpact.tuning.models import Audit, Guess

FORM = 1
OUTSIDE = (
    "Backups made earlier, files that were imported or rejected on somebody's own machine, mails that were sent, exports, and"
    " copies of the lake are outside this database: look there as well. The server takes them out of its own lake."
)


def everything(whom: Whom, *, at: int) -> dict[str, Any]:
    """All of it, JSON-able, instants as text. `form` is the version of this form."""
    people = list(Person.objects.select_related("account").filter(pk__in=whom.person_ids).order_by("pk"))
    return {
        "form": FORM,
        "made_at": formats.iso(at),
        "records": [_person(one) for one in people],
        "identifiers": [
            {"kind": one.kind, "value": one.value, "since": formats.iso(one.created_at)}
            for one in Identifier.objects.filter(visitor__person_id__in=whom.person_ids).order_by("pk")
        ],
        "joined": [
            {"record": one.loser_id, "joined": one.survivor_id, "at": formats.iso(one.at), "until": _iso(one.undone_at)}
            for one in Merge.objects.filter(loser_id__in=whom.person_ids).order_by("pk")
        ],
        "leads": [_lead(one) for one in Lead.objects.filter(pk__in=whom.lead_ids).order_by("pk")],
        "touches": [
            {
                "kind": one.kind,
                "at": formats.iso(one.at),
                "known_at": formats.iso(one.known_at),
                "channel": one.channel,
                "campaign": one.campaign,
                "properties": one.properties,
                "by_colleague": one.user_id is not None,  # type: ignore[attr-defined]
                "counted": one.void_at is None and not hasattr(one, "void"),
            }
            for one in Touch.objects.filter(visitor__person_id__in=whom.person_ids)
            .select_related("void")
            .order_by("at", "pk")
        ],
        "values": [
            {
                "of": one.subject,
                "field": one.field,
                "value": one.cell.get("t"),
                "from": formats.iso(one.at),
                "known_at": formats.iso(one.known_at),
            }
            for one in _facts(whom)
        ],
        "rejected_rows_in_imports": [
            {"file": run.file_name, "at": formats.iso(run.started_at)} for run in runs_that_say(whom.names)
        ],
        "files_that_wait_for_import": list(whom.waiting_files),
        "outside": OUTSIDE,
    }


def as_text(held: Mapping[str, Any]) -> str:
    """The same for reading: indented names and values, one a line."""
    lines: list[str] = []

    def put(value: Any, depth: int) -> None:
        pad = "  " * depth
        if isinstance(value, Mapping):
            for name, one in value.items():
                label = str(name).replace("_", " ")
                if isinstance(one, Mapping | list) and one:
                    lines.append(f"{pad}{label}:")
                    put(one, depth + 1)
                else:
                    lines.append(f"{pad}{label}: {_plain(one)}")
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, Mapping | list):
                    lines.append(f"{pad}-")
                    put(one, depth + 1)
                else:
                    lines.append(f"{pad}- {_plain(one)}")

    put(held, 0)
    return "\n".join(lines) + "\n"


def as_json(held: Mapping[str, Any]) -> str:
    """As it is exported."""
    return json.dumps(held, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "none"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _iso(us: int | None) -> str | None:
    return None if us is None else formats.iso(us)


def _person(one: Person) -> dict[str, Any]:
    return {
        "record": one.pk, "name": one.name, "email": one.email, "email_verified": one.email_verified, "title": one.title,
        "phone": one.phone, "asked_not_to_be_contacted": one.opted_out, "since": formats.iso(one.created_at),
        "account": (one.account.name or one.account.domain) if one.account else None, "traits": one.traits,
        "joined_record": one.merged_into_id,
    }  # fmt: skip


def _facts(whom: Whom) -> list[AttributeFact]:
    of_people = AttributeFact.objects.filter(subject="person", subject_id__in=whom.person_ids)
    of_leads = AttributeFact.objects.filter(subject="lead", subject_id__in=whom.lead_ids)
    return sorted((*of_people, *of_leads), key=lambda fact: (fact.known_at, fact.pk))


def _lead(one: Lead) -> dict[str, Any]:
    held = custody.holding(one.pk)
    judged = Judgement.objects.filter(lead=one).exclude(agreement_hash="").first()
    market = Opportunity.objects.filter(lead=one).first()
    return {
        "lead": one.pk, "record": one.person_id, "since": formats.iso(one.created_at), "source": one.source,  # type: ignore[attr-defined]
        "campaign": one.campaign, "sourced_by": one.sourced_by, "traits": one.traits,
        "custody": {"holder": held.holder, "state": held.state, "since": formats.iso(held.since)} if held else None,
        "verdict": {
            "says": judged.verdict, "as_of": formats.iso(judged.as_of), "agreement": judged.agreement_hash,
            "fit": judged.fit, "engagement": judged.engagement, "readiness": judged.readiness,
            "thousandths_by_line": judged.parts,
        } if judged else None,
        "opportunity": {
            "opened_at": formats.iso(market.opened_at), "value_in_minor_units": market.value, "currency": market.currency,
            "next_step": market.next_step, "closed_at": _iso(market.closed_at), "won": market.won,
        } if market else None,
        "ledger": [_line(line) for line in custody.history(one.pk, blind=False)],
        "offers": [
            {"at": formats.iso(offer.offered_at), "outcome": offer.outcome, "why": offer.why.get("says", "")}
            for offer in Offer.objects.filter(lead=one).order_by("pk")
        ],
        "blind_checks": _checks(one.pk),
    }  # fmt: skip


def _line(line: custody.Line) -> dict[str, Any]:
    told = {name: value for name, value in asdict(line).items() if value not in (None, "")}
    return {**told, "at": formats.iso(line.at), **{k: formats.iso(told[k]) for k in ("due", "not_before") if k in told}}


def _checks(lead_id: int) -> Sequence[dict[str, Any]]:
    guesses = Guess.objects.filter(lead_id=lead_id).count()
    return [
        {"drawn_for": str(one.stratum.frame.week), "released_at": _iso(one.released_at), "answer": one.answer,
         "guesses_about_it": guesses}
        for one in Audit.objects.select_related("stratum__frame").filter(lead_id=lead_id).order_by("pk")
    ]  # fmt: skip
