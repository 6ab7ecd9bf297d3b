from __future__ import annotations

from pathlib import Path

import pytest

from leadpact.lake import engines
from leadpact.lake.facts import Facts, gather, latest
from leadpact.lake.instants import instant, zone
from leadpact.lake.problems import FileProblem
from leadpact.lake.read import read_table
from leadpact.lake.store import Store
from leadpact.lake.tests.conftest import Read, Write
from leadpact.language.needs import needs
from leadpact.language.parse import parse_or_raise

AGREEMENT = """
leadpact: 1
name: Small
fit:
  - {id: industry, says: In an industry we serve, if: {account.industry: {in: [Straße, Logistics]}}, points: 20}
  - {id: size, says: Large enough, if: {account.employees: {at_least: 200}}, points: 20}
  - {id: school, says: Writes from a university, if: {person.email_domain: {in: builtin.academic}}, points: -40}
engagement:
  - id: pricing
    says: Reads prices
    each: {touch: page.viewed, where: {path: {starts_with: /pricing}}, within: 10 days, per: day}
    points: 5
    fades: true
  - {id: group, says: Two people are active, if: {account.active_people: {at_least: 2, within: 30 days}}, points: 15}
verdicts:
  disqualified: {any: [{person.opted_out: true}]}
  sales_ready: {any: [{all: [{fit: {at_least: 40}}, {engagement: {above: 0}}]}, {touch: demo.requested, within: 7 days}]}
  lead: {any: [{engagement: {at_least: 1}}]}
"""
AS_OF = instant("2024-03-01", tz=zone("UTC"))


def judged(store: Store, facts: Facts, engine: str = "duckdb") -> dict[str, dict[str, object]]:
    agreement = parse_or_raise(AGREEMENT)
    (engines.with_duckdb if engine == "duckdb" else engines.with_python)(facts, agreement)
    rows = store.execute(f"SELECT * FROM {engines.VERDICTS}")
    names = [column[0] for column in rows.description or []]
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows.fetchall()}


def facts_of(store: Store, read: Read, leads: str, touches: str | None = None, as_of: int = AS_OF) -> Facts:
    first = read("leads", leads, name="leads.csv")
    second = read("touches", touches, name="touches.csv") if touches else None
    return gather(store, engines.reference_needs(parse_or_raise(AGREEMENT)), first, second, as_of)


def test_values_are_folded_once_and_alike_for_every_engine(store: Store, read: Read) -> None:
    facts = facts_of(
        store,
        read,
        "lead_id,created_at,person.email,account.id,account.industry,account.employees\n"
        "A,2024-01-01,Ada@Northwind.example,1, STRASSE ,200\nB,2024-01-01,bo@cs.uni.edu,2,Retail,many\n",
        "lead_id,kind,at,path\nA,Page.Viewed,2024-02-29,/Pricing/x\nA,page.viewed,2024-02-29T10:00:00Z,/pricing\n",
    )
    rows = judged(store, facts)
    assert rows["A"]["verdict"] == "sales_ready"
    assert (rows["A"]["fit"], rows["A"]["engagement"], rows["A"]["points.pricing"]) == (40_000, 5_000, 5_000)
    assert (rows["B"]["points.school"], rows["B"]["points.size"]) == (-40_000, None)
    assert [str(entry) for entry in facts.unknown if entry.field == "account.employees"] == [
        "account.employees: unknown for 1 lead (50%); 1 of them say something that is not a number, such as 'many'"
    ]


def test_what_was_known_later_is_not_known_yet(store: Store, read: Read) -> None:
    facts = facts_of(
        store,
        read,
        "lead_id,created_at,known_at,account.id,account.industry\n"
        "A,2024-01-01,2024-01-01,1,Logistics\nA,2024-01-01,2024-02-01,1,Retail\nA,2024-01-01,2024-04-01,1,Logistics\n"
        "B,2024-03-05,2024-03-05,1,Logistics\n",
        "touch_id,lead_id,kind,at,known_at\nt,A,demo.requested,2024-02-28,2024-03-02\n",
    )
    rows = judged(store, facts)
    assert rows["A"]["points.industry"] == 0
    assert rows["A"]["verdict"] == "prospect"
    assert rows["B"]["points.industry"] is None
    assert any("1 lead was not known yet" in note for note in facts.notes)


def test_accounts_are_keyed_by_id_then_by_a_domain_that_is_no_free_mailbox(store: Store, read: Read) -> None:
    touches = "lead_id,kind,at\n" + "".join(f"{lead},form.submitted,2024-02-20\n" for lead in "ABCDEFG")
    facts = facts_of(
        store,
        read,
        "lead_id,created_at,account.id,account.domain,account.industry\nA,2024-01-01,7,,\nB,2024-01-01,7,other.example,\n"
        "C,2024-01-01,,Ferro.example,\nD,2024-01-01,,ferro.example,\nE,2024-01-01,,gmail.com,Logistics\nF,2024-01-01,,gmail.com,\nG,2024-01-01,,,\n",
        touches,
    )
    rows = judged(store, facts)
    assert [rows[lead]["points.group"] for lead in "ABCDEFG"] == [15_000] * 4 + [0] * 3
    assert rows["E"]["points.industry"] == 20_000
    assert rows["G"]["points.industry"] is None


def test_the_same_person_twice_is_one_active_person(store: Store, read: Read) -> None:
    facts = facts_of(
        store,
        read,
        "lead_id,created_at,account.id,person.email\nA,2024-01-01,7,ada@ferro.example\nB,2024-01-01,7,ADA@ferro.example\n",
        "lead_id,kind,at\nA,form.submitted,2024-02-20\nB,form.submitted,2024-02-21\n",
    )
    assert judged(store, facts)["A"]["points.group"] == 0


def test_touches_can_name_leads_by_mail_and_belong_to_the_lead_that_was_open(store: Store, read: Read) -> None:
    facts = facts_of(
        store,
        read,
        "lead_id,created_at,person.email\nA,2024-01-01,ada@ferro.example\nB,2024-02-20,ADA@ferro.example\n",
        "recipient,kind,at\nAda@Ferro.example,demo.requested,2024-02-25\nada@ferro.example,page.viewed,2024-02-01\nxx@halden.example,page.viewed,2024-02-01\n",
    )
    rows = judged(store, facts)
    assert (rows["A"]["verdict"], rows["B"]["verdict"]) == ("prospect", "sales_ready")
    assert facts.strangers == 1


def test_machines_and_withdrawals_do_not_count(store: Store, read: Read) -> None:
    facts = facts_of(
        store,
        read,
        "lead_id,created_at\nA,2024-01-01\nB,2024-01-01\nC,2024-01-01\n",
        "lead_id,kind,at,automated,withdrawn_at\nA,demo.requested,2024-02-28,yes,\n"
        "B,demo.requested,2024-02-28,no,2024-02-29\nC,demo.requested,2024-02-28,,2024-03-05\n",
    )
    rows = judged(store, facts)
    assert [rows[lead]["verdict"] for lead in "ABC"] == ["prospect", "prospect", "sales_ready"]


def test_touches_of_nobody_are_listed_and_if_all_are_the_file_is_refused(store: Store, read: Read) -> None:
    leads = read("leads", "lead_id,created_at\nA,2024-01-01\n", name="l.csv")
    touches = read("touches", "lead_id,kind,at\nA,x,2024-02-01\nZ,x,2024-02-01\n", name="t.csv")
    gather(store, needs(parse_or_raise(AGREEMENT)), leads, touches, AS_OF)
    assert [(reject.line, reject.reason) for reject in touches.rejects()] == [(3, "no lead of the file of leads is Z")]
    with Store(threads=1) as other:
        path = leads.path.with_name("all.csv")
        path.write_text("lead_id,kind,at\nY,x,2024-02-01\nZ,x,2024-02-01\n")
        with pytest.raises(FileProblem, match="none of its 2 touches belongs to a lead"):
            gather(
                other,
                needs(parse_or_raise(AGREEMENT)),
                read_table(leads.path, "leads", store=other),
                read_table(path, "touches", store=other),
                AS_OF,
            )


def test_a_column_without_a_single_value_does_not_stop_the_engine(store: Store, read: Read) -> None:
    """DuckDB 2.0.0 fails on the domain test of an all-NULL column unless it is told to leave its statistics alone."""
    facts = facts_of(store, read, "lead_id,created_at,account.id,account.employees\nA,2024-01-01,1,500\n")
    assert judged(store, facts)["A"]["points.school"] is None


def test_the_newest_instant_of_the_files(store: Store, read: Read) -> None:
    leads = read("leads", "lead_id,created_at\nA,2024-01-01\n", name="l.csv")
    touches = read("touches", "lead_id,kind,at\nA,x,2024-02-01\n", name="t.csv")
    assert latest(store, [leads, touches]) == instant("2024-02-01", tz=zone("UTC"))


def test_the_reference_gives_the_same_rows_in_whatever_batches(
    store: Store, read: Read, monkeypatch: pytest.MonkeyPatch, write: Write, tmp_path: Path
) -> None:
    """Accounts must stay whole when the reference takes leads in batches."""
    leads = "lead_id,created_at,account.id,account.employees,person.opted_out\n" + "".join(
        f"L{n},2024-01-01,{n % 7 if n % 4 else ''},{n * 30},{'yes' if n % 11 == 0 else ''}\n" for n in range(40)
    )
    touches = "touch_id,lead_id,kind,at,path\n" + "".join(
        f"t{n},L{n * 3 % 40},{('page.viewed', 'demo.requested', 'call.made')[n % 3]},2024-02-{n % 28 + 1:02}T05:00:00Z,/pricing\n"
        for n in range(90)
    )
    facts = facts_of(store, read, leads, touches)
    by_duckdb = judged(store, facts)
    store.execute(f"DROP TABLE {engines.VERDICTS}")
    monkeypatch.setattr(engines, "HISTORY_LEADS", 5)
    assert judged(store, facts, "python") == by_duckdb
    assert len({row["verdict"] for row in by_duckdb.values()}) == 4
