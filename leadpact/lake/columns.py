"""Which column is which: from `--map`, from our own names, from what other systems call them, from what is in them.

Four questions in that order; a column that an earlier one gave away is not asked again. Every answer keeps its
reason, because the guess is printed and the reader must be able to see why before correcting it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadpact.lake import names
from leadpact.lake.instants import turned
from leadpact.lake.names import DATED, KNOWN, MEANING, REQUIRED, Role, own, plain
from leadpact.lake.problems import FileProblem, WrongCall, listed

EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]{2,}")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
HEX = re.compile(r"[0-9a-fA-F]{24,64}")
DATEISH = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([t ].*)?|\d{4}/\d{1,2}/\d{1,2}.*|\d{13}(?:\.\d+)?|1[0-9]{9}(?:\.\d+)?", re.IGNORECASE
)
PHONE = re.compile(r"phone|mobile|tel|fax", re.IGNORECASE)
DEAL_MARKS = frozenset(
    "deal_id dealname deal_name stage_name is_won opportunity_name dealstage deal_stage deal_pipeline_id".split()
)
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
MOSTLY = 0.8
GIVEN = "given with --map"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: our name, theirs (None for a constant), its place from 0, and why we think so."""

    ours: str
    theirs: str | None
    place: int | None
    why: str
    constant: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """One `--map` as written: [role:]ours=theirs, ours=#3 (by place) or ours==text (the same for every row)."""

    ours: str
    theirs: str
    role: Role | None = None

    @property
    def place(self) -> int | None:
        return int(self.theirs[1:]) - 1 if re.fullmatch(r"#\d+", self.theirs) else None

    @property
    def constant(self) -> str | None:
        return self.theirs[1:] if self.theirs.startswith("=") else None


def parse_map(text: str) -> Named:
    """Read one `--map`. Raises FileProblem when it is not of the form ours=theirs."""
    ours, equals, theirs = text.partition("=")
    role: Role | None = None
    head, colon, rest = ours.partition(":")
    if colon:
        known: dict[str, Role] = {name: name for name in names.ROLES}
        if head.strip() not in known:
            raise WrongCall(f"--map {text}: {head} is not one of {', '.join(names.ROLES)}.")
        role, ours = known[head.strip()], rest
    ours, theirs = ours.strip().casefold(), theirs.strip()
    if not equals or not ours or not theirs:
        raise WrongCall(f'--map {text}: write it as ours=theirs, such as --map created_at="First contact".')
    return Named(ours, theirs, role)


def header_missing(first: Sequence[str]) -> bool:
    """Whether the first line looks like data: an e-mail, a UUID, a date or a number stands where a name should."""
    cells = [cell.strip() for cell in first]
    data = [cell for cell in cells if cell and _is_data(cell)]
    return bool(data) and not any(plain(cell) in _all_names() for cell in cells if cell not in data)


def _is_data(cell: str) -> bool:
    return bool(
        EMAIL.fullmatch(cell)
        or UUID.fullmatch(cell)
        or HEX.fullmatch(cell)
        or DATEISH.fullmatch(cell)
        or turned(cell)
        or NUMBER.fullmatch(cell)
    )


def _all_names() -> set[str]:
    return {name for entries in (*KNOWN.values(), DATED) for text in entries.values() for name in text.split()}


def duplicates(headers: Sequence[str]) -> dict[str, list[int]]:
    """Header → its places (from 0), for headers that occur more than once. Nameless ones do not count."""
    places: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        if header.strip():
            places.setdefault(header.strip(), []).append(place)
    return {header: found for header, found in places.items() if len(found) > 1}


class Guess:
    """The working state of one file's guess. `columns` holds what is decided, in the order it was decided."""

    def __init__(self, role: Role, headers: Sequence[str], sample: Sequence[Sequence[str | None]]) -> None:
        self.role: Role = role
        self.headers = [header.strip() for header in headers]
        self.sample = sample
        self.columns: dict[str, Column] = {}
        self.taken: set[int] = set()
        self.notes: list[str] = []

    def give(self, ours: str, place: int, why: str) -> None:
        self.columns[ours] = Column(ours, self.headers[place], place, why)
        self.taken.add(place)

    def free(self) -> Iterable[tuple[int, str]]:
        return ((place, header) for place, header in enumerate(self.headers) if place not in self.taken)

    def values(self, place: int) -> list[str]:
        return [text for row in self.sample if (text := (row[place] or "").strip())]

    def by_map(self, maps: Sequence[Named]) -> None:
        for entry in maps:
            if entry.constant is not None:
                self.columns[entry.ours] = Column(entry.ours, None, None, GIVEN, entry.constant)
                continue
            place = entry.place
            if place is None:
                place = self._named(entry.theirs)
            if place is None or not 0 <= place < len(self.headers):
                near = difflib.get_close_matches(entry.theirs, self.headers, n=1, cutoff=0.5)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise WrongCall(
                    f"--map {entry.ours}={entry.theirs}: there is no such column.{hint} "
                    f"The columns are {listed(self.headers)}."
                )
            self.give(entry.ours, place, GIVEN)

    def _named(self, wanted: str) -> int | None:
        for same in (str.strip, str.casefold, plain):
            for place, header in enumerate(self.headers):
                if same(header) == same(wanted):
                    return place
        return None

    def by_name(self) -> None:
        for place, header in list(self.free()):
            ours = own(header) if self.role == "leads" else None
            if ours and ours not in self.columns:
                self.give(ours, place, "our own name")
        known = KNOWN[self.role]
        for place, header in list(self.free()):
            exact = header.strip().casefold()
            if exact in known and exact not in self.columns:
                self.give(exact, place, "our own name")
        for ours, text in known.items():
            if ours in self.columns:
                continue
            forms = {}
            for place, header in self.free():
                forms.setdefault(plain(header), place)
            for name in text.split():
                if name in forms and self._fits(ours, forms[name]):
                    self.give(ours, forms[name], "known name")
                    break

    def _fits(self, ours: str, place: int) -> bool:
        """A name alone is not enough where what is in the column speaks against it."""
        values = self.values(place)
        if not values:
            return ours not in REQUIRED[self.role] and ours not in {"person.email", "email"}
        if ours == "lead_id" and self.headers[place].strip().casefold() in {"lead", "contact", "user"}:
            return len(set(values)) > len(values) * 0.5
        if self.role == "outcomes" and ours == "lead_id" and plain(self.headers[place]) == "id":
            # The id of a deal is not the id of a lead.
            return not DEAL_MARKS & {plain(header) for header in self.headers}
        if ours == "channel" and self.role == "spend":
            return not any(NUMBER.fullmatch(value) for value in values[:20])
        return True

    def by_content(self) -> None:
        if self.role in {"leads", "touches"}:
            mail = "person.email" if self.role == "leads" else "email"
            if mail not in self.columns:
                found = [place for place, _ in self.free() if self._share(place, EMAIL) >= MOSTLY]
                if len(found) == 1:
                    self.give(mail, found[0], "holds e-mail addresses")
        if self.role == "leads" and "lead_id" not in self.columns:
            place = self._identifier()
            if place is not None:
                self.give("lead_id", place, "a different value in every row")
        instant = {"leads": "created_at", "touches": "at", "spend": "day"}.get(self.role)
        if instant and instant not in self.columns:
            dated = [
                place
                for place, header in self.free()
                if not PHONE.search(header) and self._share(place, DATEISH, dates=True) >= MOSTLY
            ]
            if len(dated) == 1:
                self.give(instant, dated[0], "the only column of dates")

    def _identifier(self) -> int | None:
        for place, header in self.free():
            values = self.values(place)
            unique = len(values) == len(self.sample) and len(set(values)) == len(values) > 1
            shaped = self._share(place, UUID) >= MOSTLY or self._share(place, HEX) >= MOSTLY
            if unique and (shaped or plain(header).endswith("id")):
                return place
        return None

    def _share(self, place: int, pattern: re.Pattern[str], *, dates: bool = False) -> float:
        values = self.values(place)[:500]
        hits = sum(1 for value in values if pattern.fullmatch(value) or (dates and turned(value)))
        return hits / len(values) if values else 0.0

    def dated_outcomes(self) -> None:
        """Files of deals: a column a date instead of a row an outcome. Kept under `outcome:NAME`."""
        for outcome, text in DATED.items():
            if f"outcome:{outcome}" in self.columns:
                continue
            forms = {}
            for place, header in self.free():
                forms.setdefault(plain(header), place)
            for name in text.split():
                if name in forms and self.values(forms[name]):
                    self.give(f"outcome:{outcome}", forms[name], f"each date in it is a lead {outcome}")
                    break

    def others(self) -> None:
        """Keep every other column: as `lead.…` in a file of leads, under its own name elsewhere."""
        for place, header in list(self.free()):
            if not header:
                if self.values(place):
                    self.notes.append(f"column {place + 1} has no name and is left out.")
                continue
            if self.role == "leads":
                ours = f"lead.{plain(header)}"
            else:
                ours = re.sub(r"^(properties|property)[._]", "", header.strip().casefold())
            if ours in self.columns or not plain(header):
                self.notes.append(f"column {header} is left out: {ours} is another column already.")
                continue
            self.give(ours, place, "kept")


def guess(
    role: Role,
    headers: Sequence[str],
    sample: Sequence[Sequence[str | None]],
    maps: Sequence[Named],
    dropped: Iterable[int] = (),
) -> tuple[dict[str, Column], list[str]]:
    """Our columns of a file, by our name, and what to say about them. Raises FileProblem for a wrong `--map`."""
    work = Guess(role, headers, sample)
    work.by_map(maps)
    work.taken.update(dropped)
    # When a copy tool touched the row says nothing about the lead.
    work.taken |= {place for place, header in work.free() if header.startswith("_fivetran")}
    if role == "outcomes":
        given = {entry.ours for entry in maps}
        long = {"at", "outcome"} <= given
        if not long:
            # Before the names: `status` and `close_date` of a file of deals are weaker than a column of won dates.
            exact = {header.strip().casefold() for header in work.headers}
            if "outcome" not in exact | given:
                work.dated_outcomes()
    work.by_name()
    work.by_content()
    if role == "leads" and "lead_id" not in work.columns and "person.email" in work.columns:
        mail = work.columns["person.email"]
        work.columns["lead_id"] = Column(
            "lead_id", mail.theirs, mail.place, "no other identifier: the e-mail address serves"
        )
    work.others()
    return work.columns, work.notes


def missing(role: Role, columns: Mapping[str, Column], required: Sequence[str]) -> list[str]:
    """Required columns that the file does not have, after the ways in which one may stand for another."""
    lacks = [ours for ours in required if ours not in columns]
    if role == "touches" and "email" in columns and "lead_id" in lacks:
        lacks.remove("lead_id")
    if role == "outcomes" and any(ours.startswith("outcome:") for ours in columns):
        lacks = [ours for ours in lacks if ours not in {"at", "outcome"}]
    return lacks


def ask(path: object, role: Role, lacks: Sequence[str], headers: Sequence[str]) -> FileProblem:
    """The error for missing columns: what is missing, what is there, what to write."""
    wants = "; ".join(f"{ours} ({MEANING.get(ours, 'required')})" for ours in lacks)
    example = " ".join(f"--map {role}:{ours}=COLUMN" for ours in lacks)
    word = "column" if len(lacks) == 1 else "columns"
    hint = ""
    if role == "outcomes" and "lead_id" in lacks and DEAL_MARKS & {plain(header) for header in headers}:
        hint = (
            " A list of deals must name the lead that each came from: export the deals with their contact "
            "(HubSpot), or with the lead they were converted from (Salesforce)."
        )
    elif "kind" in lacks:
        hint = " When every row is of one kind, say it outright, such as --map touches:kind==form.submitted."
    return FileProblem(
        f"{path} has no {word} for {wants}. Its columns are {listed(list(headers))}. Say which it is with {example}.{hint}"
    )
