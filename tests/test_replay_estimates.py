"""What a replay says of hand-overs that nobody answered, held against what the simulated company knows of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection

from leadpact.custody.models import Entry
from leadpact.lake.export import export
from leadpact.lake.history import agreement_of, load
from leadpact.lake.preview import open_bench, prepare
from leadpact.lake.replay import replay
from leadpact.lake.replay_figures import figures
from leadpact.lake.store import Store
from leadpact.language.knobs import turn, write
from leadpact.leads.models import Identifier
from leadpact.loop.rehearsal import Rehearsal
from leadpact.qualification.cli import replay as command
from leadpact.simulation.company import Company
from leadpact.site.demo import make_users
from tests.cast import EXAMPLE, Cast, sign

pytestmark = pytest.mark.django_db(transaction=True)
LOOSER = {"score.sales_ready.1.1.least": 12, "score.sales_ready.1.0.least": 20}


def truth_of(company: Company, keys: dict[str, str], handed: dict[str, int]) -> float:
    """The share of false ones among hand-overs at these instants, over every salesperson's potential answer."""
    false = good = 0
    for lead, at in handed.items():
        for one in company.salespeople:
            answer = company.answer(keys[lead], at, one.key)
            good += answer.kind == "qualified"
            false += answer.blames == "definition"
    return false / (false + good)


def test_audits_tell_of_hand_overs_that_nobody_answered(transactional_db: None, tmp_path: Path) -> None:
    company = Company(6, 1_000, datetime(2026, 4, 6, tzinfo=UTC), 140)
    users = make_users(company, "Slow-paper-mills-1")
    heads = Cast(
        users["marketing@northwind.example"], users["sales@northwind.example"], *list(users.values())[-2:], None
    )  # type: ignore[arg-type]
    source = EXAMPLE.read_text(encoding="utf-8").replace("share: 2%", "share: 8%").replace("share: 10%}", "share: 20%}")
    sign(heads, at=company.start, source=source.replace("at_most: 10 per week", "at_most: 60 per week"))
    for _ in Rehearsal(company, users).run():
        pass
    lake = tmp_path / "lake"
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as own:
        export(own, lake, at=company.end)
    keys = {
        str(lead): value
        for lead, value in Identifier.objects.filter(kind="user_id")
        .values_list("visitor__person__leads__pk", "value")
        .order_by("-pk")
    }
    running = agreement_of(lake)
    looser = turn(running, LOOSER)
    with Store() as store:
        load(store, lake)
        base = replay(store, running, end=company.end, into="base")
        found = replay(store, looser, end=company.end)
        told, was = (figures(store, one, against=base) for one in (found, base))
        gained = dict(
            store.execute(
                'SELECT lead_id, "at" FROM replayed_handed WHERE nth = 1 AND lead_id NOT IN (SELECT lead_id FROM base_handed)'
                " AND lead_id NOT IN (SELECT lead_id FROM hist_labels)"
            ).fetchall()
        )
        rests = set(store.execute('SELECT lead_id, "at", until FROM hist_returns').fetchall())
        prepare(store, running, end=company.end, out=tmp_path / "bench")
    shown = open_bench(tmp_path / "bench").preview(looser)

    # Audits tell of the additional hand-overs, and the truth lies in their interval.
    more = told.error.additional
    assert more.error is not None, more.says
    assert more.leads == len(gained)
    assert more.error.low <= truth_of(company, keys, gained) <= more.error.high, more.says
    assert told.first_error is not None, "that of the answered ones stands beside it"
    assert told.error.both is not None
    assert told.error.low_bound is not None
    assert told.error.high_bound is not None
    assert told.error.low_bound <= told.error.both.value <= told.error.high_bound
    assert was.error.additional.leads == 0
    # More hand-overs leave fewer good leads with Marketing.
    assert told.left.a_week is not None
    assert was.left.a_week is not None
    assert told.left.a_week < was.left.a_week
    assert told.left.frame < was.left.frame

    # The workshop's figures are those of the replay; only its draws are fewer.
    assert shown.error is not None
    assert shown.left is not None
    assert shown.base_left is not None
    assert shown.error.additional.error is not None
    assert shown.error.labelled == told.first_error
    assert (shown.error.additional.leads, shown.error.additional.answers) == (more.leads, more.answers)
    assert shown.error.additional.error.value == more.error.value
    assert shown.error.additional.error.high == pytest.approx(more.error.high, abs=0.02)
    assert (shown.left.known, shown.left.won, shown.left.frame) == (told.left.known, told.left.won, told.left.frame)
    assert shown.again == told.again
    assert shown.base_again == was.again

    # Every lead that Sales gave back to rest is known with its date; some are handed over once more after it.
    recycled = Entry.objects.filter(move="recycled").exclude(not_before=None).values_list("lead_id", "at", "not_before")
    assert len(recycled) > 20
    assert {(str(lead), at, until) for lead, at, until in recycled} <= rests
    assert was.again > 0

    # On the command line the version in force is what is compared with.
    (tmp_path / "looser.yaml").write_text(write(source, LOOSER), encoding="utf-8")
    asked = ["--lake", str(lake), "--agreement", str(tmp_path / "looser.yaml"), "--out", str(tmp_path / "out.csv")]
    result = CliRunner().invoke(command, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["error"]["additional"]["leads"] == more.leads
    assert printed["error"]["additional"]["error"] == asdict(more.error)
    assert printed["left"]["says"] == told.left.says
    said = CliRunner().invoke(command, asked).output
    assert more.says in said
    assert "First error of all, with the audits' part" in said
    assert "Second error. By" in said
    assert "more after a rest" in said
