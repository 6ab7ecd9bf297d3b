"""Forget a person: everything of theirs that this room and the plain records hold. Order and leads are the loop's.

What breaks if the key is destroyed after the masking: the database lets nobody mask who still has a key.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from django.db.models import F, Q

from leadpact.capture.models import Duplicate, ImportPart, ImportRun
from leadpact.kit.raw import cursor as raw_cursor
from leadpact.kit.raw import one_transaction
from leadpact.leads.models import Identifier, Lead, Merge, Person

ERASED = "erased on request"


def forget_people(*, person_ids: Sequence[int]) -> dict[str, int]:
    """Destroy the keys of these people (locked by the caller), and what is known of them; how much of what.

    Names, addresses, traits, values, properties of touches and facts go; touches, facts and leads themselves stay, so that
    counts do. Returns counts by their word.
    """
    one_transaction()
    people = list(person_ids)
    Person.objects.filter(pk__in=people).update(
        email=None, email_verified=False, name="", title="", phone="", traits={}, cells={}, account=None, secret=b"",
        ties_version=F("ties_version") + 1,
    )  # fmt: skip
    identifiers, _ = Identifier.objects.filter(visitor__person_id__in=people).delete()
    Lead.objects.filter(person_id__in=people).update(traits={}, cells={}, campaign="")
    Merge.objects.filter(Q(survivor_id__in=people) | Q(loser_id__in=people)).update(before={})
    questions, _ = Duplicate.objects.filter(Q(first_id__in=people) | Q(second_id__in=people)).delete()
    with raw_cursor() as cursor:
        cursor.execute("SELECT touches, facts FROM leads_mask_1($1::bigint[])", (people,))
        row = cursor.fetchone()
    assert row is not None
    return {
        "identifiers": identifiers, "questions": questions,
        "touches": int(row[0]), "values": int(row[1]),  # type: ignore[call-overload]
    }  # fmt: skip


def forget_rejects(*, names: Sequence[str]) -> int:
    """Empty the rows of kept reject lists that hold one of these addresses or ids; how many rows."""
    emptied = 0
    for run in runs_that_say(names):
        rows = list(csv.reader(io.StringIO(run.rejects)))
        out = io.StringIO()
        writer = csv.writer(out)
        for line in rows:
            if _says(" ".join(line), names):
                emptied += 1
                line = [line[0] if line else "", ERASED, ""]  # noqa: PLW2901 - the line is replaced by what may stay of it
            writer.writerow(line)
        ImportRun.objects.filter(pk=run.pk).update(rejects=out.getvalue())
    return emptied


def runs_that_say(names: Sequence[str]) -> list[ImportRun]:
    """Imports whose kept rejects hold one of these addresses or ids."""
    asked = Q()
    for name in names:
        asked |= Q(rejects__icontains=name)
    return list(ImportRun.objects.filter(asked).order_by("pk")) if names else []


def waiting_files_that_say(names: Sequence[str]) -> list[str]:
    """Names of uploaded files that wait for their import and hold one of these addresses or ids: they would bring them back."""
    waiting: dict[int, bytes] = {}
    for run, body in ImportPart.objects.order_by("run_id", "number").values_list("run_id", "body"):
        waiting[run] = waiting.get(run, b"") + bytes(body)
    said = [run for run, body in waiting.items() if _says(body.decode("utf-8", "replace"), names)]
    return list(ImportRun.objects.filter(pk__in=said).order_by("pk").values_list("file_name", flat=True))


def _says(text: str, names: Sequence[str]) -> bool:
    small = text.casefold()
    return any(name.casefold() in small for name in names)
