"""Prove that what runs is what was signed: forms, hashes, seals, both departments, periods, and what the ledger names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from leadpact.agreement.models import Effect, Version
from leadpact.agreement.queries import InForce, Tampered, in_force, in_force_periods
from leadpact.agreement.rules import DEPARTMENTS, Period
from leadpact.agreement.rules.seal import seal
from leadpact.custody.queries import out_of_force
from leadpact.kit.instants import from_us
from leadpact.language.canonical import canonical, load
from leadpact.language.diff import diff
from leadpact.language.fold import UNICODE_VERSION, fold
from leadpact.language.needs import texts
from leadpact.language.parse import parse

LATE_US = 400 * 3_600_000_000
"""A verdict taken late is as of its tick and names the version of then; so many ticks are caught up with at once."""


@dataclass(slots=True)
class Proof:
    """What was looked at and what is wrong; `holds` where nothing is. `running`: number and hash of the version that runs now."""

    versions: int = 0
    effects: int = 0
    signatures: int = 0
    entries: int = 0
    late: int = 0
    judged: int = 0
    statement: str = ""
    running: tuple[int, str, int] | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing wrong was found."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Ran:
    """What the statement in use answered, beside the reference: how many leads, the statement's SHA-256, what differs."""

    leads: int
    statement: str
    problems: Sequence[str]


def verify(*, at: int, run: Callable[[InForce, int], Ran] | None = None) -> Proof:
    """Look at every version, effect and signature, and at every entry of the ledger that names a version.

    run: judge a sample of leads with the statement in use and with the reference, as of an instant (the room that judges is a
    floor above). Without it the statement is left out, and a note says so.
    """
    proof = Proof()
    for version in Version.objects.exclude(status="draft").order_by("number"):
        proof.versions += 1
        proof.problems += _version(version)
        proof.notes += _file(version)
        _unicode(proof, version)
    for effect in Effect.objects.select_related("version").prefetch_related("signatures__user").order_by("pk"):
        proof.effects += 1
        proof.signatures += len(effect.signatures.all())
        proof.problems += _effect(effect)
    _ledger(proof, in_force_periods())
    _running(proof, at, run)
    return proof


def _version(version: Version) -> Iterable[str]:
    """The stored canonical form is sound, is what its hash says, and is what this leadpact would write for its meaning."""
    who = f"Version {version.number}"
    if version.hash is None or version.canonical is None:
        return [f"{who} is {version.status} but has no canonical form or no hash."]
    stored = bytes(version.canonical)
    if hashlib.sha256(stored).hexdigest() != version.hash:
        return [
            f"{who}: the stored canonical form does not have the hash {version.hash[:16]}… under which it was frozen."
        ]
    try:
        again = canonical(load(stored))
    except ValueError as bad:
        return [f"{who}: the canonical form cannot be read: {bad}."]
    return [] if again == stored else [f"{who}: read and written again, the canonical form comes out otherwise."]


def _file(version: Version) -> Iterable[str]:
    """A file that means something else now than what was frozen: no mistake (packages move), worth a note."""
    try:
        signed = load(bytes(version.canonical or b""))
    except ValueError:
        return []
    meant = parse(version.source).agreement
    if meant is None:
        return [
            f"Version {version.number}: the file as it was written is no agreement for this leadpact; what was frozen runs."
        ]
    changes = diff(signed, meant)
    if not changes:
        return []
    return [
        f"Version {version.number}: read today, the file would mean something else ({changes[0]}) What was frozen runs."
    ]


def _unicode(proof: Proof, version: Version) -> None:
    """What Unicode's tables moved since the version was frozen (Meaning 5): a problem where they moved its own texts."""
    try:
        frozen = load(bytes(version.canonical or b""))
    except ValueError:
        return
    who, then = f"Version {version.number}", version.unicode or "another version, which was not kept"
    moved = sorted({text for text in texts(frozen) if fold(text) != text})
    if moved:
        proof.problems.append(
            f"{who}: Unicode {UNICODE_VERSION}, which this Python folds text by, reads its {moved[0]!r} otherwise than Unicode"
            f" {then}, under which it was frozen: no data can match it. Run leadpact with the Python of then or sign a new version."
        )
    elif version.unicode not in {"", UNICODE_VERSION}:
        proof.notes.append(
            f"{who} was frozen under Unicode {then}, and this Python folds text by {UNICODE_VERSION}. Its own texts read the same;"
            " values with characters that only one of the two knows may be judged otherwise than before."
        )


def _effect(effect: Effect) -> Iterable[str]:
    version = effect.version
    who = f"Effect {effect.pk} of version {version.number}"
    found: list[str] = []
    departments: dict[str, int] = {}
    for one in effect.signatures.all():
        departments[one.department] = one.signer
        if one.hash != version.hash:
            found.append(f"{who}: {one.department} signed {one.hash[:16]}…, not the hash of that version.")
        right = seal(
            effect=effect.pk, agreement_hash=one.hash, source=version.source, wanted_at=effect.wanted_at,
            department=one.department, signer=one.signer, at=one.at,
        )  # fmt: skip
        if one.seal != right:
            found.append(
                f"{who}: the seal of {one.department} does not fit; what was signed (file, hash, instant, signer) was changed."
            )
        if one.user is not None and one.user.pk != one.signer:
            found.append(f"{who}: the signature of {one.department} names another person than it did.")
        if effect.effective_at is not None and one.at > effect.effective_at:
            found.append(f"{who}: {one.department} signed after it had begun.")
    if effect.status == "signed":
        missing = [side for side in DEPARTMENTS if side not in departments]
        if missing:
            found.append(f"{who} counts as signed, but {' and '.join(missing)} did not sign it.")
        if len(set(departments.values())) < len(departments):
            found.append(f"{who} was signed for both departments by one person.")
        begun = max([one.at for one in effect.signatures.all()], default=0)
        if effect.signatures.all() and effect.effective_at != max(begun, effect.wanted_at or begun):
            found.append(f"{who} begins at another instant than the one both signed for.")
    return found


def _ledger(proof: Proof, periods: Sequence[Period]) -> None:
    """Every version that the ledger names was in force at the entry's instant."""
    known = {one.hash for one in periods}
    entries, strays = out_of_force([(one.hash, one.start, one.end) for one in periods])
    proof.entries = entries
    begun = {digest: min(one.start for one in periods if one.hash == digest) for digest in known}
    ended = {digest: max(one.end or 2**62 for one in periods if one.hash == digest) for digest in known}
    for digest, count, first, last, lead in strays:
        name = digest[:16]
        if digest not in known:
            proof.problems.append(
                f"The ledger names {name}… in {_entries(count)} (first of lead {lead}), which was never signed."
            )
        elif first < begun[digest]:
            proof.problems.append(
                f"The ledger names {name}… at {_told(first)} (lead {lead}), before it took effect at {_told(begun[digest])}."
            )
        elif last > ended[digest] + LATE_US:
            proof.problems.append(
                f"The ledger names {name}… at {_told(last)}, long after it had been superseded at {_told(ended[digest])}."
            )
        else:
            proof.late += count
    if proof.late:
        proof.notes.append(
            f"{_entries(proof.late)} name the version before: verdicts taken late, as of an instant before the change."
        )


def _running(proof: Proof, at: int, run: Callable[[InForce, int], Ran] | None) -> None:
    try:
        current = in_force(at)
    except (Tampered, ValueError) as wrong:
        proof.problems.append(f"What is in force cannot run: {wrong}.")
        return
    if current is None:
        proof.notes.append("No version is in force yet; nobody is judged.")
        return
    proof.running = (current.number, current.hash, current.effective_at)
    if run is None:
        proof.notes.append("The statement in use was not compared with the reference.")
        return
    ran = run(current, at)
    proof.judged, proof.statement = ran.leads, ran.statement
    proof.problems += ran.problems


def _entries(count: int) -> str:
    return f"{count:,} entr{'y' if count == 1 else 'ies'}"


def _told(us: int) -> str:
    return f"{from_us(us):%Y-%m-%d %H:%M:%S} UTC" if us < 2**61 else "no instant"
