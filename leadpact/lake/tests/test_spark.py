"""Spark says what the reference says: every column, to the last bit. And the command does on a real standalone cluster.

SPARK_BATCHES=200 compares two hundred batches of drawn agreements and histories, and every spec table, on a cluster of a
master and two workers; without it, in this process's own Java, a few that reach together everything that an agreement can say.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadpact.lake.spark import FEW_ROWS, Settings, Spark, started
from leadpact.lake.tests.standalone import cluster, needs_spark
from leadpact.language import evaluate
from leadpact.language.fold import cell
from leadpact.language.history import ALWAYS, Fact, History, Lead, Touch
from leadpact.language.needs import needs
from leadpact.language.nodes import (
    DAY,
    THOUSANDTHS,
    Agreement,
    Attribute,
    Each,
    Form,
    If,
    Line,
    ListRef,
    Operator,
    Score,
    Test,
    TouchQuery,
    Verdict,
)
from leadpact.language.rows import lead_columns, lead_row, touch_columns, touch_row
from leadpact.language.tests import generated
from leadpact.language.tests.drawing import draw_agreement
from leadpact.language.tests.drawing_history import NOW, Case, draw_case
from leadpact.language.tests.engines import ARROW, Ask, Reference, Row, checked
from leadpact.language.tests.properties import PROPERTIES
from leadpact.language.tests.spec_tables import specs
from leadpact.language.to_sql import compile_sql

pytestmark = [needs_spark, pytest.mark.timeout(3_600)]

ALL = int(os.environ.get("SPARK_BATCHES", "0"))
POOL = 200
ODD = (
    "${spark.app.name}",
    "a\\b",
    "\\u0041",
    "\\101",
    "it's",
    '"q"',
    "`b`",
    ":name",
    "?",
    "-- x",
    "/* y",
    "%",
    "a_c",
    "$",
    "{0}",
)
EXAMPLE = Path(evaluate.__file__).with_name("example.yaml")
SITE = """
spark.sql.ansi.enabled false
spark.sql.session.timeZone Asia/Tokyo
spark.sql.caseSensitive false
spark.sql.variable.substitute true
spark.sql.parser.quotedRegexColumnNames true
spark.sql.parser.escapedStringLiterals true
"""
PEOPLE = """lead_id,created_at,person.email,account.domain,account.industry,account.employees,lead.timeline_months
1,2024-01-02,ada@northwind.example,northwind.example,Manufacturing,500,3
2,2024-01-03,bo@ferro.example,ferro.example, MANUFACTURING ,"1,200",
3,2024-02-03,cleo@initech.example,initech.example,Retail,20,12
"""
SEEN = """touch_id,lead_id,kind,at,path
a,1,page.viewed,2024-02-20T10:00:00Z,/pricing/x
b,1,seminar.attended,2024-02-01T10:00:00Z,
c,2,demo.requested,2024-02-25T10:00:00Z,
"""
TELLING = 12
"""A drawn case whose agreement reaches more than any other of forty; its leads are asked about as of one instant."""
AT_LENGTH = {"judging at an instant is replaying up to it"}
LEADS = 300
"""Leads of a batch; each has up to nine touches, and most share three accounts."""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """A session, beside a site's own configuration, which wants other meanings."""
    folder = tmp_path_factory.mktemp("conf")
    (folder / "spark-defaults.conf").write_text(SITE, encoding="utf-8")
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("SPARK_CONF_DIR", str(folder))
        master = stack.enter_context(cluster()) if ALL else "local[2]"
        yield stack.enter_context(started(Settings(master, memory="512m"), rows=0))


class OverParquet:
    """Spark as an engine of the language's tests: over Parquet files, through what `judge --engine spark` calls."""

    def __init__(self, spark: Spark) -> None:
        self.spark = spark
        self.runs = 0
        self.long = False
        """Whether to run as for a long history: planned anew at each exchange, in more parts than there are cores."""

    def rows(
        self,
        agreement: Agreement,
        history: History,
        asks: Sequence[Ask],
        *,
        extras: bool = True,
        as_of: int | None = None,
    ) -> list[Row]:
        self.runs += 1
        needed = needs(agreement)
        leads = [lead_row(history.lead(lead_id), needed, instant) for lead_id, instant in asks]
        touches = [touch_row(touch, needed) for touch in history.touches]
        relations = {}
        for name, described, rows in (
            ("leads", lead_columns(needed), leads),
            ("touches", touch_columns(needed), touches),
        ):
            arrays = [pa.array([row[n] for row in rows], type=ARROW[kind]) for n, (_, kind) in enumerate(described)]
            relations[name] = self.spark.folder / f"{name}-{self.runs}.parquet"
            pq.write_table(pa.table(arrays, names=[column for column, _ in described]), relations[name])
        out = self.spark.folder / f"judged-{self.runs}"
        compiled = compile_sql(agreement, "spark", extras=extras, as_of=as_of)
        self.spark.judge(compiled, relations=relations, rows=FEW_ROWS + 1 if self.long else len(leads), out=out)
        table = pq.read_table(out)
        assert tuple(table.column_names) == compiled.columns
        return checked(list(zip(*(column.to_pylist() for column in table.columns), strict=True)))


@pytest.fixture(scope="module")
def engine(spark: Spark) -> OverParquet:
    return OverParquet(spark)


class Remembering:
    """An engine that is not asked the same twice: properties begin with the same rows."""

    def __init__(self, engine: OverParquet) -> None:
        self.engine = engine
        self.known: dict[tuple[int, int, tuple[Ask, ...], int | None], tuple[Agreement, History, list[Row]]] = {}

    def rows(
        self,
        agreement: Agreement,
        history: History,
        asks: Sequence[Ask],
        *,
        extras: bool = True,
        as_of: int | None = None,
    ) -> list[Row]:
        """Agreement and history are kept with the answer, so that their ids stay theirs."""
        assert extras
        key = (id(agreement), id(history), tuple(asks), as_of)
        if key not in self.known:
            self.known[key] = (agreement, history, self.engine.rows(agreement, history, asks, as_of=as_of))
        return self.known[key][2]


@pytest.fixture(scope="module")
def remembering(engine: OverParquet) -> Remembering:
    return Remembering(engine)


def test_batches_are_judged_as_the_reference_judges_them(engine: OverParquet) -> None:
    seeds = _seeds()
    pairs = 0
    for seed in seeds:
        case = draw_case(Random(seed), leads=LEADS)
        _same(engine, case, f"batch {seed}")
        pairs += len(case.asks)
        if seed % 2 == 0:
            instant = case.asks[0][1]
            asks = [ask for ask in case.asks if ask[1] == instant]
            expected = Reference().rows(case.agreement, case.history, asks, extras=False)
            engine.long = True
            found = engine.rows(case.agreement, case.history, asks, extras=False, as_of=instant)
            engine.long = False
            assert found == expected, f"batch {seed} as of one instant"
    assert pairs >= LEADS * len(seeds)


def test_batches_reach_every_operator_and_form() -> None:
    """Whichever batches are compared: together they leave nothing out that any of the two hundred has."""
    seen = set().union(*(_reached(seed) for seed in _seeds()))
    assert {f"operator {operator.value}" for operator in Operator} | {f"form {form.value}" for form in Form} <= seen
    assert seen >= set().union(*(_reached(seed) for seed in range(POOL)))


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_hold(name: str, remembering: Remembering) -> None:
    """Those of the language's README, which are held on the other engines beside the language."""
    if name in AT_LENGTH and not ALL:
        pytest.skip("seven queries of Spark: with SPARK_BATCHES")
    for seed in range(0, 40, 5) if ALL else (TELLING,):
        PROPERTIES[name](remembering, seed)


def test_spec_tables_hold(engine: OverParquet) -> None:
    found = list(specs())
    for spec in found if ALL else found[::6]:
        expected = Reference().rows(spec.agreement, spec.history, spec.asks)
        assert engine.rows(spec.agreement, spec.history, spec.asks) == expected, spec.title


def test_texts_mean_themselves(engine: OverParquet) -> None:
    """Spark replaces ${…} in queries and reads backslashes in constants; markers and comments are not far."""
    operators = (Operator.IS, Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.HAS_WORD)
    lines = tuple(
        Line(f"{operator.value}_{n}", "", "fit", n + 1, If(Attribute("person.title", (Test(operator, title),))))
        for n, title in enumerate(ODD)
        for operator in operators
    )
    listed = Attribute("person.title", (Test(Operator.IN, ODD),))
    agreement = Agreement("odd", lines, (Verdict("sales_ready", (listed,)),))
    titles = [*ODD, *(f"x{title}" for title in ODD), *(f"{title}x" for title in ODD), "leadpact", "a"]
    people = [_person(n, "person.title", title) for n, title in enumerate(titles)]
    asks = tuple((lead.lead_id, NOW) for lead in people)
    expected = Reference().rows(agreement, History(people, []), asks)
    assert sum(row[2] == "sales_ready" for row in expected) == len(ODD)
    assert engine.rows(agreement, History(people, []), sorted(asks)) == expected


def test_the_largest_ordinary_agreement_runs(engine: OverParquet) -> None:
    """200 lines and a list of 10,000 domains."""
    lines = [
        Line(
            "served",
            "",
            "fit",
            5,
            If(Attribute("account.domain", (Test(Operator.IN, ListRef("served", domains=True)),))),
        )
    ]
    for n in range(1, 200):
        query = TouchQuery((f"k{n % 40}",), within=(1 + n % 90) * DAY, per_day=n % 50 == 0)
        lines.append(Line(f"l{n}", "", "engagement", 1 + n % 9, Each(query, fades=n % 3 == 0)))
    domains = tuple(f"d{n}.example" for n in range(10_000))
    verdicts = (
        Verdict("sales_ready", (Score("engagement", at_least=60 * THOUSANDTHS),)),
        Verdict("lead", (Score("fit", at_least=5 * THOUSANDTHS),)),
    )
    agreement = Agreement("large", tuple(lines), verdicts, lists=(("served", domains),))
    people = [_person(n, "account.domain", f"x.d{n * 700}.example") for n in range(20)]
    touches = [
        Touch(f"t{n}", f"lead{n % 20}", f"p{n % 20}", f"a{n % 20}", f"k{n * 7 % 45}", at := NOW - n % 100 * DAY, at, {})
        for n in range(60)
    ]
    history, asks = History(people, touches), sorted((lead.lead_id, NOW) for lead in people)
    expected = Reference().rows(agreement, history, asks, extras=False)
    assert {row[2] for row in expected} == {"sales_ready", "lead", "prospect"}
    assert engine.rows(agreement, history, asks, extras=False, as_of=NOW) == expected


def test_the_command_on_a_cluster_of_two_workers(tmp_path: Path) -> None:
    """The same bytes as DuckDB's, no word from Java, nothing left behind, and nothing that listens beyond this machine."""
    (tmp_path / "leads.csv").write_text(PEOPLE)
    (tmp_path / "touches.csv").write_text(SEEN)
    (tmp_path / "shared").mkdir()
    (tmp_path / "temporary").mkdir()
    assert _judged(tmp_path, "duckdb", {}, set()) == ""
    heard: set[str] = set()
    with cluster() as master:
        more = {"LEADPACT_SPARK_MASTER": master, "TMPDIR": str(tmp_path / "temporary")}
        told = _judged(tmp_path, "spark", more, heard, "--spark-memory", "512m", "--spark-folder", "shared")
    assert told == ""
    written = (tmp_path / "spark.csv").read_text()
    assert ("sales_ready" in written, "disqualified" in written) == (True, True)
    assert written == (tmp_path / "duckdb.csv").read_text()
    assert [*(tmp_path / "shared").iterdir(), *(tmp_path / "temporary").iterdir()] == []
    assert heard == {"127.0.0.1"}


def _judged(folder: Path, engine: str, environment: dict[str, str], heard: set[str], *more: str) -> str:
    """Run the command; what it wrote to standard error. `heard`: the addresses at which any Java listened meanwhile."""
    files = ["--agreement", str(EXAMPLE), "--leads", "leads.csv", "--touches", "touches.csv", "--out", f"{engine}.csv"]
    command = [sys.executable, "-m", "leadpact", "judge", *files, "--engine", engine, *more]
    with (folder / f"{engine}.told").open("wb") as out:
        running = subprocess.Popen(
            command, env=os.environ | environment, cwd=folder, stdout=out, stderr=subprocess.PIPE
        )
        while running.poll() is None:
            heard |= {address.removeprefix("::ffff:") for address in _listening()}
            time.sleep(0.5)
    assert running.stderr is not None
    with running.stderr as errors:
        told = errors.read().decode()
    assert running.returncode == 0, told
    return told


def _listening() -> Iterator[str]:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.name() == "java":
                yield from (one.laddr.ip for one in child.net_connections("tcp") if one.status == psutil.CONN_LISTEN)


def _person(number: int, name: str, value: str) -> Lead:
    return Lead(f"lead{number}", f"p{number}", f"a{number}", NOW, (Fact(name, cell(value), ALWAYS, ALWAYS),))


# --- which batches, and telling a difference --------------------------------------------


def _reached(seed: int) -> set[str]:
    """What the agreement of a batch reaches: it is drawn before the history."""
    return generated.reached(draw_agreement(Random(seed)))


def _seeds() -> list[int]:
    """All that are asked for; else those that reach together what the two hundred reach."""
    if ALL:
        return list(range(ALL))
    reached = {seed: _reached(seed) for seed in range(POOL)}
    wanted = set().union(*reached.values())
    chosen: list[int] = []
    while wanted:
        best = max(reached, key=lambda seed: (len(reached[seed] & wanted), -seed))
        chosen.append(best)
        wanted -= reached.pop(best)
    return chosen


def _same(engine: OverParquet, case: Case, name: str) -> None:
    expected = Reference().rows(case.agreement, case.history, case.asks)
    found = engine.rows(case.agreement, case.history, case.asks)
    if found == expected:
        return
    columns = compile_sql(case.agreement, "spark").columns
    for wanted, got in zip(expected, found, strict=True):
        if wanted != got:
            odd = {column: pair for column, *pair in zip(columns, wanted, got, strict=True) if pair[0] != pair[1]}
            pytest.fail(f"{name}: {wanted[0]} as of {wanted[1]} differs (reference, Spark): {odd}\n{case.agreement}")
