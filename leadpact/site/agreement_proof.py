"""`leadpact agreement verify`: prove on the database that what runs is what was signed.

It stands in this room, because it looks at the agreement, at the ledger, and at the statement that qualification runs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from leadpact.agreement.cli import agreement
from leadpact.kit.commands import needs_database
from leadpact.kit.failures import CannotDo
from leadpact.kit.instants import from_us

if TYPE_CHECKING:
    from leadpact.agreement.actions import Proof

__all__ = ["agreement", "verify"]

MOST_SHOWN = 50


@agreement.command(epilog="Example: leadpact agreement verify --json")
@click.option(
    "--leads",
    type=click.IntRange(0, 100_000),
    default=200,
    show_default=True,
    help="How many leads to judge twice: with the statement in use, and with the reference.",
)
@click.option("--json", "as_json", is_flag=True, help="Print figures and problems as JSON.")
@needs_database
def verify(*, leads: int, as_json: bool) -> None:
    """Prove that what runs is what was signed. Exit status 1 where it is not, with what is wrong.

    Recomputes the hash of every frozen version and the seal of every signature, looks for both departments and for the
    instants that they signed, compares every version that the ledger names with those in force at that instant, and
    judges a sample of leads by the statement in use and by the reference.
    """
    from leadpact.agreement.actions import verify as prove
    from leadpact.agreement.actions.proof import Ran
    from leadpact.agreement.queries import InForce
    from leadpact.kit import clock
    from leadpact.qualification.actions import compare

    def run(version: InForce, at: int) -> Ran:
        found = compare(version=version, as_of=at, size=leads)
        return Ran(found.leads, found.statement, found.problems)

    proof = prove(at=clock.now(), run=run if leads else None)
    if as_json:
        click.echo(json.dumps(_figures(proof), indent=2, ensure_ascii=False))
    else:
        _tell(proof)
    if not proof.holds:
        raise CannotDo(
            f"What runs is not proved to be what was signed: {_count(len(proof.problems), 'problem')}."
            " Stop judging by it, and restore the last backup that verifies."
        )


def _count(number: int, thing: str) -> str:
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else many}"


def _figures(proof: Proof) -> dict[str, object]:
    running = None
    if proof.running is not None:
        number, digest, since = proof.running
        running = {"version": number, "hash": digest, "since": from_us(since).isoformat()}
    return {
        "holds": proof.holds,
        "running": running,
        "versions": proof.versions,
        "effects": proof.effects,
        "signatures": proof.signatures,
        "entries": proof.entries,
        "judged_late": proof.late,
        "leads_compared": proof.judged,
        "statement": proof.statement or None,
        "problems": proof.problems,
        "notes": proof.notes,
    }


def _tell(proof: Proof) -> None:
    for problem in proof.problems[:MOST_SHOWN]:
        click.echo(problem)
    for note in proof.notes[:MOST_SHOWN]:
        click.echo(f"Note: {note}")
    if proof.running is not None:
        number, digest, since = proof.running
        click.echo(f"Version {number} runs, hash {digest}, since {from_us(since):%Y-%m-%d %H:%M} UTC.")
    if proof.statement:
        click.echo(
            f"Its statement (SHA-256 {proof.statement[:16]}…) and the reference were asked about {proof.judged:,} leads."
        )
    if proof.holds:
        click.echo(
            f"What runs is what was signed: {_count(proof.versions, 'version')}, {_count(proof.effects, 'proposal')},"
            f" {_count(proof.signatures, 'signature')}, {_count(proof.entries, 'entry')} of the ledger."
        )
