"""Write drafts. Whatever somebody saved stays readable; two who write at once do not lose each other's words."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max

from leadpact.agreement.models import Revision, Version
from leadpact.agreement.rules import Refused, check_editable
from leadpact.agreement.rules.merge import Merged, merge
from leadpact.language.parse import Parsed, parse
from leadpact.team.models import User

MAX_SOURCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a save. `revision`: the text's own number, also where it stands aside.

    `merged`: somebody else had saved meanwhile, and both changes are in. `clashes`: how many places both changed otherwise:
    then the text is kept aside and the draft is as it was.
    """

    version: Version
    revision: int
    merged: bool = False
    clashes: int = 0


def read(source: str) -> Parsed:
    """Parse a text. Raises Refused when it is too large."""
    if len(source) > MAX_SOURCE:
        raise Refused("The file is larger than 1 MB. An agreement of 200 lines takes a tenth of that.")
    return parse(source)


@transaction.atomic
def draft(*, source: str, by: User | None, at: int) -> Version:
    """Keep a new draft, also one with errors: nothing that was written is lost. Raises Refused when it is too large."""
    parsed = read(source)
    _one_at_a_time()
    number = (Version.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    name = parsed.agreement.name if parsed.agreement else f"Draft {number}"
    made = Version.objects.create(number=number, name=name[:200], source=source, created_by=by, created_at=at)
    Revision.objects.create(version=made, number=1, source=source, by=by, at=at)
    return made


@transaction.atomic
def edit(*, number: int, source: str, by: User, at: int, base: int | None = None) -> Saved:
    """Save a draft's text that was written with revision `base` before one's eyes (None: the latest).

    Where somebody saved after that, both changes are put together if they do not touch; where they do, the text is kept
    aside, for `settle`. Raises Refused once the draft was proposed, or for a base that never was.
    """
    found = _locked(number)
    read(source)
    latest = _latest(found)
    base = latest if base is None else base
    if base != latest:
        was = Revision.objects.filter(version=found, number=base).first()
        if was is None:
            raise Refused(
                "The text this was written from is unknown. Open the draft again and put your change in there."
            )
        both = merge(base=was.source, theirs=found.source, mine=source)
        if both.clashes:
            kept = _keep(found, source, base=base, aside=True, by=by, at=at)
            return Saved(found, kept.number, clashes=len(both.clashes))
        text = both.text()
        mine = _keep(found, source, base=base, aside=True, by=by, at=at)
        kept = _put(found, text, base=latest, settles=mine.number, by=by, at=at)
        return Saved(found, kept.number, merged=True)
    if source == found.source:
        return Saved(found, latest)
    return Saved(found, _put(found, source, base=base, by=by, at=at).number)


@transaction.atomic
def settle(*, number: int, aside: int, head: int, choices: dict[int, str], by: User, at: int) -> Saved:
    """Put a text that was kept aside into the draft, with a choice for each place that both changed.

    head: the revision against which the choices were made. Where the draft has moved on since, they no longer say what they
    said: then nothing is written and `clashes` is above nought again. Raises Refused.
    """
    found = _locked(number)
    mine = clash(found, aside)
    if _latest(found) != head:
        return Saved(found, aside, clashes=max(1, len(mine.clashes)))
    try:
        text = mine.text(choices)
    except KeyError as missing:
        raise Refused("Choose for each place which text stays: theirs, yours, or both.") from missing
    return Saved(found, _put(found, text, base=head, settles=aside, by=by, at=at).number, merged=True)


def clash(version: Version, aside: int) -> Merged:
    """A text that stands aside against the draft as it is now. Raises Refused where there is none of that number."""
    kept = Revision.objects.filter(version=version, number=aside, aside=True).first()
    if kept is None:
        raise Refused("There is no such text beside this draft.")
    was = Revision.objects.filter(version=version, number=kept.base).first()
    return merge(base=was.source if was else "", theirs=version.source, mine=kept.source)


def _locked(number: int) -> Version:
    found = Version.objects.select_for_update().get(number=number)
    check_editable(found.status)
    return found


def _latest(version: Version) -> int:
    return Revision.objects.filter(version=version, aside=False).aggregate(last=Max("number"))["last"] or 0


def _put(found: Version, source: str, *, base: int, by: User, at: int, settles: int | None = None) -> Revision:
    """The draft's new text."""
    parsed = read(source)
    found.source = source
    found.name = (parsed.agreement.name if parsed.agreement else found.name)[:200]
    found.save(update_fields=["source", "name"])
    return _keep(found, source, base=base, settles=settles, by=by, at=at)


def _keep(
    found: Version, source: str, *, base: int, by: User, at: int, aside: bool = False, settles: int | None = None
) -> Revision:
    number = (Revision.objects.filter(version=found).aggregate(last=Max("number"))["last"] or 0) + 1
    return Revision.objects.create(
        version=found, number=number, source=source, base=base, aside=aside, settles=settles, by=by, at=at
    )


def _one_at_a_time() -> None:
    # Numbers are given in order without gaps; two drafts at the same moment must not draw the same one.
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE agreement_version IN SHARE ROW EXCLUSIVE MODE")
