"""Rows of a file that `leadpact.lake` has read, as arrivals, outcomes and spend.

The columns have our names already; instants are microseconds, amounts millionths. What can still be wrong with a row
is said in a sentence (`BadRow`), and the row goes to the reject file.

A row is the same row when it says the same, whichever file it comes in, so that importing a file twice is harmless;
rows of one file that say the same are told apart by their number among the alike.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from leadpact.capture.rules.address import BadAddress, domain_of_email, email, email_or_none, identifier
from leadpact.capture.rules.answers import OutcomeRow, SpendRow
from leadpact.capture.rules.arrival import Arrival, TouchData
from leadpact.capture.rules.channels import LONGEST_CHANNEL
from leadpact.capture.rules.names import LONGEST_KIND, LONGEST_NAME, kind_of, snake
from leadpact.capture.rules.segment import LONGEST_CAMPAIGN
from leadpact.capture.rules.timing import AHEAD, EPOCH
from leadpact.capture.rules.traits import complete, domain_in, fit, parted
from leadpact.capture.rules.values import MOST_VALUES, cell_of, checked
from leadpact.language.fold import Cell, fold, truth
from leadpact.language.kinds import KINDS

EARLIEST: Final = 631_152_000_000_000
"""1990-01-01: what a file dates earlier is a missing date."""
_TOUCH: Final = frozenset(
    {
        "line",
        "touch_id",
        "lead_id",
        "email",
        "kind",
        "at",
        "known_at",
        "channel",
        "campaign",
        "automated",
        "withdrawn_at",
    }
)
_MILLIONTHS_A_MINOR: Final = 10_000
_MOST_MINOR: Final = 9_000_000_000_000_000


class BadRow(ValueError):
    """A row that cannot be taken; the message is the reason beside it in the reject file."""


class Rows:
    """Turns the rows of one file, in their order, into what they say. `now`: nothing happens after it."""

    def __init__(self, role: str, *, now: int) -> None:
        self.role = role
        self.now = now
        self.without_address = 0
        self._alike: Counter[bytes] = Counter()

    def read(self, row: Mapping[str, Any]) -> Arrival | OutcomeRow | SpendRow:
        """One row. Raises BadRow."""
        try:
            if self.role == "leads":
                return self._lead(row)
            if self.role == "touches":
                return self._touch(row)
            if self.role == "outcomes":
                return self._outcome(row)
            return self._spend(row)
        except BadRow:
            raise
        except ValueError as problem:
            raise BadRow(str(problem)) from None

    def _lead(self, row: Mapping[str, Any]) -> Arrival:
        at = self._instant(row["created_at"], "created_at")
        name = _text(row["lead_id"])
        raw: dict[str, Any] = {}
        cells: dict[str, Cell] = {}
        for column, value in row.items():
            if column.startswith(("person.", "account.", "lead.")) and column not in {
                "person.email",
                "person.opted_out",
            }:
                _put(column, value, raw, cells)
        address = self._address(row, raw)
        complete(raw, cells)
        person, account, lead = parted(raw, cells)
        out = truth(fold(str(row["person.opted_out"]))) if row.get("person.opted_out") is not None else None
        return Arrival(
            message=self._message(
                row, *sorted((column, str(value)) for column, value in row.items() if column != "line")
            ),
            at=at,
            email=address,
            user_id=lead_name(name),
            person=person,
            account=account,
            lead=lead,
            account_domain=domain_in(raw) or (domain_of_email(address) if address else None),
            source=_channel(raw.get("lead.source")),
            campaign=fit(raw.get("lead.campaign"), LONGEST_CAMPAIGN),
            opted_out=out,
            sourced_by=_sourced_by(raw.get("lead.sourced_by")),
        )

    def _address(self, row: Mapping[str, Any], raw: dict[str, Any]) -> str | None:
        said = _text(row.get("person.email"))
        if not said:
            return email_or_none(_text(row["lead_id"]))
        try:
            return email(said)
        except BadAddress:
            # A lead is worth more than its typing error: it is kept, and the report counts it.
            self.without_address += 1
            raw["person.email"] = said[:320]
            return None

    def _touch(self, row: Mapping[str, Any]) -> Arrival:
        at = self._instant(row["at"], "at")
        name, said = _text(row.get("lead_id")), _text(row.get("email"))
        address = email_or_none(said) or email_or_none(name)
        if not name and address is None:
            raise BadRow(
                f"email {said[:60]!r} is not an e-mail address"
                if said
                else "it names neither a lead nor an e-mail address"
            )
        kind = kind_of(_text(row["kind"])[:1_000])
        if not kind or len(kind) > LONGEST_KIND:
            raise BadRow(f"kind {_text(row['kind'])[:60]!r} is not a name of 1 to {LONGEST_KIND} characters")
        raw: dict[str, Any] = {}
        cells: dict[str, Cell] = {}
        for column, value in row.items():
            if column not in _TOUCH:
                _put(snake(column), value, raw, cells)
        automated = row.get("automated") is not None and truth(fold(str(row["automated"]))) is True
        if automated:
            raw["automated"] = "the file says so"
        if row.get("withdrawn_at") is not None:
            automated, raw["automated"] = True, "withdrawn, says the file"
        channel, campaign = _channel(row.get("channel")), fit(_text(row.get("campaign")), LONGEST_CAMPAIGN)
        touch = TouchData(
            kind, channel or (KINDS[kind].channel if kind in KINDS else ""), campaign, raw, cells, automated
        )
        core = (("lead", name or address or ""), ("kind", kind), ("at", str(at)))
        # With an id the row is itself, whatever other columns come with it; the rest of the core tells apart systems
        # that both count from 1.
        rest = (
            (("touch_id", _text(row["touch_id"])),)
            if _text(row.get("touch_id"))
            else tuple(sorted((c, str(v)) for c, v in raw.items()))
        )
        return Arrival(
            message=self._message(row, *core, *rest),
            at=at,
            email=address,
            user_id=lead_name(name) if name else None,
            touch=touch,
            account_domain=domain_of_email(address) if address else None,
            source=channel,
            campaign=campaign,
            opted_out=True if kind == "email.unsubscribed" else None,
        )

    def _outcome(self, row: Mapping[str, Any]) -> OutcomeRow:
        at = self._instant(row["at"], "at")
        name = _text(row["lead_id"])
        address = email_or_none(name)
        value = _minor(row.get("value"), "value")
        reason = snake(_text(row.get("reason")))[:40]
        lead = ("email", address) if address else ("user_id", lead_name(name))
        said = (("lead", name), ("at", str(at)), ("outcome", row["outcome"]), ("reason", reason), ("value", str(value)))
        return OutcomeRow(
            message=self._message(row, *said),
            lead=lead,
            at=at,
            outcome=row["outcome"],
            reason=reason,
            value=value,
            currency=_currency(row),
            line=row.get("line") or 0,
            salesperson=_text(row.get("salesperson"))[:320],
        )

    def _spend(self, row: Mapping[str, Any]) -> SpendRow:
        at = self._instant(row["day"], "day")
        amount = _minor(row["amount"], "amount")
        if amount is None:
            raise BadRow("amount is missing")
        day = (EPOCH + timedelta(microseconds=at)).date()
        channel = _channel(row["channel"])
        if not channel:
            raise BadRow("channel is missing")
        campaign, currency = fit(_text(row.get("campaign")), LONGEST_CAMPAIGN), _currency(row)
        message = self._message(
            row,
            ("channel", channel),
            ("campaign", campaign),
            ("day", str(day)),
            ("amount", str(amount)),
            ("currency", currency),
        )
        key = blake2b(message, digest_size=32, person=b"spend").hexdigest()
        return SpendRow(key, channel, campaign, day, amount, currency, row.get("line") or 0)

    def _instant(self, value: int | None, column: str) -> int:
        if value is None:
            raise BadRow(f"{column} is missing")
        if value > self.now + AHEAD:
            raise BadRow(f"{column} lies in the future ({_day(value)})")
        if value < EARLIEST:
            raise BadRow(f"{column} lies before 1990 ({_day(value)})")
        return min(value, self.now)

    def _message(self, row: Mapping[str, Any], *said: tuple[str, str]) -> bytes:
        content = blake2b(digest_size=16, person=b"import row")
        for part in (self.role, *(text for pair in said for text in pair)):
            encoded = part.encode("utf-8", "surrogatepass")
            content.update(len(encoded).to_bytes(4, "big") + encoded)
        first = content.digest()
        self._alike[first] += 1
        number = self._alike[first]
        # A row of leads that is there twice says nothing new; a touch or an outcome happened twice.
        if number == 1 or self.role == "leads":
            return first
        content.update(number.to_bytes(8, "big"))
        return content.digest()


def lead_name(lead_id: str) -> str:
    """How a file's lead_id is kept among user ids: apart from those of tracking calls, which another system counts."""
    try:
        found = identifier(lead_id)
    except ValueError:
        raise BadRow("lead_id is longer than 320 characters") from None
    if found is None or len(found) > 300:
        raise BadRow(f"lead_id {lead_id[:40]!r} names nobody")
    return f"lead:{found}"


def _put(column: str, value: object, raw: dict[str, Any], cells: dict[str, Cell]) -> None:
    plain = _plain(value)
    if plain is None or not column:
        return
    if len(column) > LONGEST_NAME:
        raise BadRow(f"a column's name is longer than {LONGEST_NAME} characters")
    if len(raw) >= MOST_VALUES:
        raise BadRow(f"it has more than {MOST_VALUES} values")
    raw[column] = checked(plain, what="columns")
    found = cell_of(plain)
    if found is not None:
        cells[column] = found


def _plain(value: object) -> object:
    """A cell as JSON holds it; None where it is empty."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Decimal):
        return (int(value) if value == value.to_integral_value() else float(value)) if value.is_finite() else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | list | dict):
        return value
    return str(value)


def _text(value: object) -> str:
    plain = _plain(value)
    return "" if plain is None else str(plain).strip()


def _channel(value: object) -> str:
    return fold(_text(value))[:LONGEST_CHANNEL]


def _sourced_by(value: object) -> str:
    said = fold(_text(value))
    return said if said in {"sales", "referral"} else "marketing"


def _minor(millionths: object, column: str) -> int | None:
    if millionths is None:
        return None
    minor = (
        round(int(str(millionths)) / _MILLIONTHS_A_MINOR)
        if isinstance(millionths, int)
        else round(float(str(millionths)) * 100)
    )
    if abs(minor) > _MOST_MINOR:
        raise BadRow(f"{column} is too large")
    return minor


def _currency(row: Mapping[str, Any]) -> str:
    said = _text(row.get("currency")).upper()
    if not said:
        return "USD"
    if len(said) != 3 or not said.isascii() or not said.isalpha():
        raise BadRow(f"currency {said[:20]!r} is not a code of three letters, such as EUR")
    return said


def _day(us: int) -> str:
    try:
        return (EPOCH + timedelta(microseconds=us)).date().isoformat()
    except OverflowError:
        return "out of all bounds"
