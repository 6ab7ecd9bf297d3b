"""Files as history: what stands where from when on, and that replaying files agrees with judging them."""

from __future__ import annotations

from random import Random

from leadpact.lake import engines
from leadpact.lake.facts import gather
from leadpact.lake.history_files import load_files
from leadpact.lake.instants import instant, iso, zone
from leadpact.lake.names import Role
from leadpact.lake.read import read_table
from leadpact.lake.replay import replay
from leadpact.lake.store import Store
from leadpact.lake.tests.conftest import Read, Write
from leadpact.language.needs import needs
from leadpact.language.parse import parse_or_raise

ROLES: tuple[Role, Role] = ("leads", "touches")
AGREEMENT = """
leadpact: 1
name: Small
fit:
  - {id: industry, says: In an industry we serve, if: {account.industry: {in: [Straße, Logistics]}}, points: 20}
  - {id: school, says: Writes from a university, if: {person.email_domain: {in: builtin.academic}}, points: -40}
engagement:
  - id: pricing
    says: Reads prices
    each: {touch: page.viewed, where: {path: {starts_with: /pricing}}, within: 10 days, per: day}
    points: 5
    fades: true
  - {id: group, says: Two people are active, if: {account.active_people: {at_least: 2, within: 30 days}}, points: 15}
  - {id: words, says: Says ERP, each: {touch: chat.started, where: {topic: {has_word: erp}}, within: 10 days}, points: 20}
verdicts:
  disqualified: {any: [{person.opted_out: true}]}
  sales_ready: {any: [{all: [{fit: {at_least: 20}}, {engagement: {at_least: 4}}]}, {touch: demo.requested, within: 7 days}]}
  lead: {any: [{engagement: {at_least: 1}}]}
recycle:
  no_fit: {blames: definition, then: disqualified}
  not_now: {blames: timing, rest: 90 days}
"""
LEADS = """lead_id,created_at,known_at,person.email,account.id,account.industry,person.opted_out
A,2024-01-01,2024-01-01,ada@northwind.example,1,Retail,no
A,2024-01-01,2024-02-10,ada@northwind.example,1,STRASSE,no
A,2024-01-01,2024-03-01,ada@northwind.example,1,Strasse,yes
B,2024-01-05,2024-01-05,bo@northwind.example,1,logistics,
C,2024-01-05,2024-01-05,cy@cs.uni.edu,,Logistics,
"""
TOUCHES = """touch_id,lead_id,kind,at,known_at,path,topic,withdrawn_at,automated
1,A,page.viewed,2024-02-08T10:00:00Z,,/pricing/eu,,,
2,A,Page.Viewed,2024-02-09T10:00:00Z,2024-02-11T09:30:00Z,/Pricing,,,
3,B,page.viewed,2024-02-09T11:15:00Z,,/home,,,
4,B,chat.started,2024-02-09T12:00:00Z,,,"About ERP-systems",2024-02-12T12:00:00Z,
5,C,demo.requested,2024-02-01,,,,,
6,C,demo.requested,2024-02-20,,,,,yes
"""
OUTCOMES = """lead_id,at,outcome,reason
A,2024-02-11,accepted,
A,2024-02-13,rejected,No fit
B,2024-02-15,won,
C,2024-02-02,rejected,because
"""


def at(text: str) -> int:
    return instant(text, tz=zone("UTC"))


def rows(store: Store) -> dict[str, list[tuple[str, str, str, str]]]:
    out: dict[str, list[tuple[str, str, str, str]]] = {}
    for lead, when, before, after, by in store.execute('SELECT * FROM replayed ORDER BY lead_id, "at"').fetchall():
        out.setdefault(lead, []).append((iso(when), before, after, by))
    return out


def test_values_stand_from_when_they_were_known(store: Store, read: Read) -> None:
    leads, touches = read("leads", LEADS, name="leads.csv"), read("touches", TOUCHES, name="touches.csv")
    agreement = parse_or_raise(AGREEMENT)
    loaded = load_files(store, agreement, leads=leads, touches=touches)
    replay(store, agreement, end=at("2024-03-10"))
    assert rows(store)["A"] == [
        ("2024-01-01T00:00:00Z", "", "prospect", ""),
        ("2024-02-08T10:00:00Z", "prospect", "lead", "lead.1"),
        # Two people are active already; the industry, known on the tenth, makes the lead ready.
        ("2024-02-10T00:00:00Z", "lead", "sales_ready", "sales_ready.1"),
        ("2024-03-01T00:00:00Z", "sales_ready", "disqualified", "disqualified.1"),
    ]
    assert rows(store)["C"] == [
        ("2024-01-05T00:00:00Z", "", "prospect", ""),
        ("2024-02-01T00:00:00Z", "prospect", "sales_ready", "sales_ready.2"),
        ("2024-02-08T00:00:00Z", "sales_ready", "prospect", ""),
    ]
    assert loaded.leads == 3
    assert not [note for note in loaded.notes if "no older values" in note]


def test_replay_of_files_agrees_with_judging_them(write: Write) -> None:
    """As of any full hour, the last row so far is what `judge --as-of` says."""
    chance = Random(1)
    files = {"leads": write("leads.csv", LEADS), "touches": write("touches.csv", TOUCHES)}
    agreement = parse_or_raise(AGREEMENT)
    for _ in range(6):
        moment = at("2024-01-06") + chance.randrange(60 * 24) * 3_600_000_000
        with Store(threads=1) as store:
            tables = [read_table(files[role], role, store=store) for role in ROLES]
            load_files(store, agreement, leads=tables[0], touches=tables[1])
            replay(store, agreement, end=moment)
            last = {lead: found[-1][2] for lead, found in rows(store).items()}
        with Store(threads=1) as store:
            tables = [read_table(files[role], role, store=store) for role in ROLES]
            facts = gather(store, needs(agreement), tables[0], tables[1], moment)
            engines.with_duckdb(facts, agreement)
            judged = dict(store.execute("SELECT lead_id, verdict FROM verdicts").fetchall())
        assert last == judged, iso(moment)


def test_answers_become_labels(store: Store, read: Read) -> None:
    agreement = parse_or_raise(AGREEMENT)
    loaded = load_files(
        store,
        agreement,
        leads=read("leads", LEADS, name="leads.csv"),
        outcomes=read("outcomes", OUTCOMES + "Z,2024-02-02,won,\n", name="outcomes.csv"),
    )
    assert store.execute("SELECT lead_id, handed_at, answer, blames FROM hist_labels ORDER BY lead_id").fetchall() == [
        ("A", at("2024-02-11"), "rejected", "definition"),
        ("B", None, "qualified", None),
        ("C", None, "rejected", None),
    ]
    assert (loaded.labels, loaded.unsaid) == (3, 1)
    assert any("1 outcome belongs to no lead" in note for note in loaded.notes)
    assert any("1 rejection gives a reason" in note for note in loaded.notes)


def test_a_file_without_old_values_says_so(store: Store, read: Read) -> None:
    plain = "lead_id,created_at,account.industry\nA,2024-01-01,Retail\n"
    loaded = load_files(store, parse_or_raise(AGREEMENT), leads=read("leads", plain, name="leads.csv"))
    assert any("no older values" in note for note in loaded.notes)
    assert any("lines about touches add nothing" in note for note in loaded.notes)
