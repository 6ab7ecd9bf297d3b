"""The workshop on a real history: figures follow numbers, what cannot be tried says why, what is saved keeps the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

import pytest
from django.test import Client

from leadpact.agreement import actions, jobs
from leadpact.agreement.models import Bench, Version
from leadpact.agreement.queries import benches, in_force
from leadpact.agreement.rules.capacity import Seller, capacity, weekly_capacity
from leadpact.agreement.rules.evidence import difference, in_words
from leadpact.kit import clock
from leadpact.language.nodes import Market
from leadpact.leads.models import Lead
from leadpact.team.models import Absence, User
from tests.cast import DAY, EXAMPLE, T0, Cast, make_cast, sign
from tests.workbench import NOW, lived, ready

SOURCE = EXAMPLE.read_text(encoding="utf-8")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
THRESHOLD = "score.sales_ready.1.1.least"
needs_history = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADPACT_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def browser() -> Callable[[User], Client]:
    def of(user: User) -> Client:
        client = Client()
        client.force_login(user, backend=BACKEND)
        return client

    return of


def text(client: Client, address: str, **asked: object) -> str:
    with clock.at(NOW):
        answer = client.get(address, asked)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@needs_history
def test_the_workshop_from_an_empty_bench_to_a_draft(folder: Path, browser: Callable[[User], Client]) -> None:
    cast = lived()
    ada = browser(cast.ada)
    assert "History is not made ready yet" in text(ada, "/agreement/1/workshop/")
    made = ready(cast, folder)
    assert made.stay == 3_599_999_991, "from the hand-over to the answer"

    page = text(ada, "/agreement/1/workshop/")
    assert "22 leads, 3." in page
    assert "50.0%" in page
    assert "Nobody: the same leads are handed over." in page
    assert "44 leads meet it (100%)" in page, "all work in an industry we serve"
    assert "of 44 it is not known" in page, "nobody said when they want it"

    moved = text(ada, "/agreement/1/workshop/figures/", **{THRESHOLD: 20})
    assert "44 leads instead of 22" in moved
    assert "22 Handed over in addition p00@firm00.example" in moved
    assert (
        "22 leads would be handed over in addition, without an answer of Sales. None of them was in the frame of a blind"
        in moved
    )
    assert "Between 25.0% if all additional ones were good and 75.0% if none was." in moved
    assert "No blind audit has a frame that is old enough" in moved
    assert "Sales-ready: now when fit is at least 40 and engagement is at least 20" in moved
    lost = text(ada, "/agreement/1/workshop/figures/", **{"points.seminar": 14})
    assert "0 leads instead of 22" in lost
    assert "22 No longer handed over" in lost
    with clock.at(NOW):
        raw = ada.get("/agreement/1/workshop/figures/", {THRESHOLD: 20}).content.decode()
    links = [int(number) for number in re.findall(r'href="/leads/(\d+)/"', raw)]
    assert links == list(
        Lead.objects.filter(person__email__regex=r"p\d[02468]@").order_by("created_at").values_list("pk", flat=True)
    )
    assert ada.get(f"/leads/{links[0]}/").status_code == 200


@needs_history
def test_figures_are_those_of_a_replay(folder: Path) -> None:
    from leadpact.lake.history import load
    from leadpact.lake.manifest import lake_directory
    from leadpact.lake.replay import replay
    from leadpact.lake.store import Store
    from leadpact.language.knobs import turn

    cast = lived(leads=20)
    ready(cast, folder)
    current = in_force(NOW)
    assert current is not None
    for changes in (
        {},
        {THRESHOLD: 20},
        {"cap.seminar": 25, "points.seminar": 17},
        {"score.sales_ready.1.0.least": 41},
    ):
        changed = turn(current.agreement, changes)
        shown = benches.on_history(changed, bases=[current.hash]).preview
        assert shown is not None
        with Store() as store:
            load(store, lake_directory(folder))
            replay(store, changed)
            found = store.one("SELECT count(DISTINCT lead_id) FROM replayed WHERE after = 'sales_ready'")
        assert shown.handed == found, changes


@needs_history
def test_what_sales_can_take_is_reckoned_or_entered(folder: Path, browser: Callable[[User], Client]) -> None:
    cast = lived(leads=8)
    ready(cast, folder)
    ada = browser(cast.ada)
    page = text(ada, "/agreement/1/workshop/")
    assert "salespeople may hold 80 leads at a time and keep one 59 min until their answer" in page
    entered = text(ada, "/agreement/1/workshop/", capacity=1)
    assert "Sales can take 1 a week; 2 of 2 weeks bring more" in entered
    assert "What Sales can take is reckoned" not in entered
    assert "Sales can take 13,440 a week" in text(ada, "/agreement/1/workshop/", capacity="-3")


@needs_history
def test_a_week_in_which_people_are_away_counts_for_less(folder: Path, browser: Callable[[User], Client]) -> None:
    cast = lived(leads=8)
    made = ready(cast, folder)
    Bench.objects.filter(pk=made.pk).update(stay=20 * DAY)
    monday = (T0 - 4 * DAY) // (7 * DAY) * 7 * DAY + 4 * DAY
    for person in (cast.cleo, cast.dara):
        Absence.objects.create(user=person, starts_at=monday + 7 * DAY, ends_at=monday + 14 * DAY)
    ada = browser(cast.ada)
    page = text(ada, "/agreement/1/workshop/")
    assert "Sales can take 28 a week, 0 when most are away; 1 of 2 weeks bring more" in page
    assert "absences and holidays those of each week" in page
    assert re.search(r"Sales can take .* 28 .* 0 ", page)


@needs_history
def test_a_version_that_reads_other_things_needs_a_bench_of_its_own(
    folder: Path, browser: Callable[[User], Client]
) -> None:
    cast = lived(leads=6)
    ready(cast, folder)
    ada = browser(cast.ada)
    source = SOURCE.replace("within: 14 days, per: day", "within: 15 days, per: day")
    draft = actions.draft(source=source, by=cast.ada, at=NOW).number
    page = text(ada, f"/agreement/{draft}/workshop/")
    assert "line pricing reads something else" in page
    assert "Make history ready for this version" in page
    with clock.at(NOW):
        ada.post(f"/agreement/{draft}/workshop/prepare/", {"own": "yes"})
        for digest in Bench.objects.filter(status="asked").values_list("hash", flat=True):
            jobs.prepare_bench(agreement_hash=digest)
    page = text(ada, f"/agreement/{draft}/workshop/", **{THRESHOLD: 20})
    assert "6 leads instead of 3" in page
    side_by_side = text(ada, "/agreement/compare/", a=1, b=draft)
    assert side_by_side.count("First error") == 2
    assert "made ready at different times" in side_by_side


@needs_history
def test_numbers_go_into_the_file_and_nothing_else_does(folder: Path, browser: Callable[[User], Client]) -> None:
    cast = lived(leads=2)
    ada = browser(cast.ada)
    moved = {"points.seminar": "12", THRESHOLD: "25"}
    answer = ada.post("/agreement/1/workshop/save/", moved, follow=True)
    assert answer.redirect_chain[-1][0] == "/agreement/2/workshop/"
    draft = Version.objects.get(number=2)
    changed = [line for line in unified_diff(SOURCE.splitlines(), draft.source.splitlines(), n=0) if line[0] in "+-"][
        2:
    ]
    assert [line.partition("#")[2] for line in changed[::2]] == [line.partition("#")[2] for line in changed[1::2]]
    assert len(changed) == 4

    # Two at once, on the same draft: what does not touch goes in, what does is shown to whoever came later.
    bo = browser(cast.bo)
    ada.post("/agreement/2/workshop/save/", {"points.mid_size": "25", "head": "1"})
    answer = bo.post("/agreement/2/workshop/save/", {"points.timeline": "30", "head": "1"}, follow=True)
    assert "together with what somebody else changed" in answer.content.decode()
    answer = bo.post("/agreement/2/workshop/save/", {"points.mid_size": "35", "head": "1"}, follow=True)
    assert answer.redirect_chain[-1][0].endswith("/settle/")
    assert Version.objects.get(number=2).source.count("points: 25") == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"points.seminar": "many"}, "Came to a seminar: points: give a whole number."),
        ({"points.seminar": "99999"}, "a number from -10,000 to 10,000"),
        ({"points.nobody": "3"}, "nothing called points.nobody"),
        ({"cap.seminar": "0"}, "a number from 1 to"),
    ],
)
def test_a_number_that_cannot_be_says_so(
    asked: dict[str, str], says: str, cast: Cast, browser: Callable[[User], Client]
) -> None:
    for address in ("/agreement/1/workshop/", "/agreement/1/workshop/figures/"):
        answer = browser(cast.ada).get(address, asked)
        assert answer.status_code == 409
        assert says in answer.content.decode()


@pytest.mark.django_db
def test_who_may_what(cast: Cast, browser: Callable[[User], Client], folder: Path) -> None:
    marketer = User.objects.create_user("m@northwind.example", "m", role="marketer", department="marketing")
    page = browser(marketer).get("/agreement/1/workshop/").content.decode()
    assert "A manager or operations can have it made ready." in page
    refused = browser(marketer).post(
        "/agreement/1/workshop/prepare/", follow=True, headers={"referer": "http://testserver/agreement/"}
    )
    assert "Managers and operations have history made ready" in refused.content.decode()
    assert Bench.objects.count() == 0
    for address in ("/agreement/1/workshop/save/", "/agreement/1/workshop/prepare/"):
        browser(cast.cleo).post(address, {"points.seminar": "3"})
    assert Version.objects.count() == 1
    assert Bench.objects.count() == 0
    assert browser(cast.ada).get("/agreement/9/workshop/").status_code == 404
    broken = actions.draft(source="name: x", by=cast.ada, at=T0).number
    assert "Mend them in the file first" in browser(cast.ada).get(f"/agreement/{broken}/workshop/").content.decode()


@needs_history
def test_a_bench_that_cannot_be_made_says_why_and_can_be_asked_for_again(
    folder: Path, browser: Callable[[User], Client]
) -> None:
    cast = make_cast()
    sign(cast)
    ada = browser(cast.ada)
    current = in_force(T0)
    assert current is not None
    with clock.at(NOW):
        ada.post("/agreement/1/workshop/prepare/")
        assert "waits for its turn" in ada.get("/agreement/1/workshop/").content.decode()
        assert actions.ask_bench(agreement=current.agreement, by=cast.ada, at=NOW) is False, "it is under way"
        jobs.prepare_bench(agreement_hash=current.hash)
        page = ada.get("/agreement/1/workshop/").content.decode()
    assert "History could not be made ready: " in page
    assert "there is no history" in page
    assert actions.ask_bench(agreement=current.agreement, by=cast.ada, at=NOW + 1)
    assert Bench.objects.get().problem == ""
    assert actions.ask_bench(agreement=current.agreement, by=cast.ada, at=NOW + DAY), "a job that never came back"


# --- in words ------------------------------------------------------------------------------------------------------


def test_a_difference_with_its_interval() -> None:
    # Newcombe (1998), table II, example (a): 56/70 − 48/80, method 10: 0.0524 to 0.3339.
    found = difference(56, 70, 48, 80)
    assert found is not None
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)
    assert found.tells
    assert in_words(found, 70, 80) == (
        "80% of 70 with it were qualified, 60% of 80 without: 20 points more often (95% 5 to 33)."
    )
    assert "20 points less often (95% 5 to 33)" in in_words(difference(48, 80, 56, 70), 80, 70)


def test_too_few_to_say_and_no_difference_are_said() -> None:
    assert difference(3, 19, 50, 100) is None
    assert in_words(None, 19, 100) == "Too few answers to say: 19 with it, 20 are needed."
    assert "no difference that could be told from chance" in in_words(difference(12, 20, 50, 100), 20, 100)


def test_what_sales_can_take_follows_from_hands_and_stay() -> None:
    assert weekly_capacity(40, 7 * DAY) == 40
    assert weekly_capacity(40, 14 * DAY) == 20
    assert [weekly_capacity(0, DAY), weekly_capacity(40, None), weekly_capacity(40, 0)] == [None, None, None]


def test_what_sales_can_take_knows_hours_absences_and_holidays_week_by_week() -> None:
    monday = 1_704_067_200_000_000  # 2024-01-01, UTC
    weeks = [monday + n * 7 * DAY for n in range(3)]
    days = tuple((day, ((8 * 60, 18 * 60),)) for day in range(5))
    market = Market("UTC", days, ("2024-01-01", "2024-01-02"))
    part_time = Market("UTC", days[:2])
    monday_to_wednesday = ((weeks[1], weeks[1] + 3 * DAY), (weeks[1] + DAY, weeks[1] + 2 * DAY))
    people = [
        Seller(20, market, monday_to_wednesday),
        Seller(10, part_time, ((weeks[2] + 2 * DAY, weeks[2] + 7 * DAY),)),
    ]
    found = capacity(people, 7 * DAY, weeks)
    assert found is not None
    # Two holidays of five days; three days away, told twice in part; away on days on which nobody works.
    assert (found.in_hand, found.ordinary, found.weeks) == (30, 30, (22, 18, 30))
    assert found.least == 18
    all_away = capacity([Seller(20, market, ((weeks[1], weeks[2]),))], 7 * DAY, weeks)
    assert all_away is not None
    assert all_away.weeks == (12, 0, 20)
    assert capacity([], 7 * DAY, weeks) is None


@needs_history
def test_history_warns_beside_the_line_of_a_draft(folder: Path, browser: Callable[[User], Client]) -> None:
    cast = lived(leads=22)
    ada = browser(cast.ada)
    other = SOURCE.replace("within: 14 days, per: day", "within: 15 days, per: day")
    draft = actions.draft(source=SOURCE, by=cast.ada, at=NOW).number
    changed = actions.draft(source=other, by=cast.ada, at=NOW).number
    before = text(ada, f"/agreement/{draft}/")
    assert "No history is made ready" in before
    assert "scored for" not in before
    ready(cast, folder)

    page = text(ada, f"/agreement/{draft}/")
    period = r"of 22 leads from 2026-05-28 to 2026-06-18\."
    # Each stands beside its sentence: between its words and its points.
    assert re.search(rf"viewed a page with a path [^.]+\. This line scored for none {period} \+5 ", page)
    assert re.search(
        r"is one of manufacturing, [^.]+\. This line scored for every one of 22 leads on 2026-06-18: it tells", page
    )
    assert "opted out of being contacted. Sales-ready" in page, "that nobody has said it is as it should be"
    warnings = re.findall(r"This (?:line scored|verdict was given|asks for) | is unknown for \d+ of", page)
    assert len(warnings) > 8
    assert f"{len(warnings)} warnings of history are marked below" in page
    assert "Not looked at" not in page
    workshop = text(ada, f"/agreement/{draft}/workshop/")
    assert re.search(rf"path that begins with “/pricing” [^.]+\. This line scored for none {period}", workshop)

    # A line that reads otherwise was not counted; the others still are.
    page = text(ada, f"/agreement/{changed}/")
    assert "in the last 15 days, 15 at most in all. +5" in page
    assert (
        "made ready: “Keeps reading the price page”. So it is not known how far engagement reaches. Nor is it" in page
    )
    assert re.search(rf"university&#x27;s\. This line scored for none {period}", page)
    assert "This verdict was given" not in page

    # Whoever takes leads reads nothing of it, and a version that is frozen is not warned of.
    assert "scored for" not in text(browser(cast.cleo), f"/agreement/{draft}/")
    assert "scored for" not in text(ada, "/agreement/1/")


@needs_history
def test_a_draft_is_warned_of_scores_verdicts_doubles_and_gaps(folder: Path, browser: Callable[[User], Client]) -> None:
    cast = lived(leads=22)
    ada = browser(cast.ada)
    ready(cast, folder)
    far = SOURCE.replace("{engagement: {at_least: 30}}", "{engagement: {at_least: 60}}")
    assert far != SOURCE
    draft = actions.draft(source=far, by=cast.ada, at=NOW).number

    page = text(ada, f"/agreement/{draft}/")
    assert "engagement is at least 60. This asks for 60 of engagement; 40 is the most of 22 leads from" in page
    assert "Sales-ready This verdict was given to none of 22 leads from" in page
    assert "Disqualified This verdict was given to none of 22 leads from" in page
    assert "very same leads" not in page, "everybody meets both of fit"
    assert "at most 6. The number of months until they want to buy is unknown for 22 of 22 leads (100%)." in page

    # Both heads still read it while it waits for them, and no longer once it is withdrawn.
    copy = actions.draft(source=far.replace("name: Northwind", "name: Northern"), by=cast.ada, at=NOW).number
    for verb in ("propose", "sign"):
        assert "40 is the most of 22 leads" in text(browser(cast.bo), f"/agreement/{copy}/"), verb
        with clock.at(NOW):
            ada.post(f"/agreement/{copy}/{verb}/")
    with clock.at(NOW):
        browser(cast.bo).post(f"/agreement/{copy}/withdraw/")
    assert "40 is the most" not in text(ada, f"/agreement/{copy}/")

    # In the workshop the same, and it follows the numbers that are moved, with and without scripts.
    bench = text(ada, f"/agreement/{draft}/workshop/")
    assert "60 of engagement; 40 is the most of 22 leads" in bench
    with clock.at(NOW):
        asked = {"score.sales_ready.1.1.least": 40}
        moved = ada.get(f"/agreement/{draft}/workshop/figures/", asked, headers={"HX-Request": "true"}).content.decode()
        plain = ada.get(f"/agreement/{draft}/workshop/", asked).content.decode()
    for told in (moved, plain):
        assert "of engagement; 40 is the most" not in told
        assert told.count("This verdict was given to none") == 1, "disqualified; sales-ready is given now"
    assert 'id="of-all-4" hx-swap-oob="true"' in moved


@needs_history
def test_two_lines_that_the_same_leads_meet_are_told_in_a_draft_and_only_there(
    folder: Path, browser: Callable[[User], Client]
) -> None:
    """Half of the leads come to a second seminar: one line counts it as a touch, the other asks whether it was."""
    double = SOURCE.replace(
        "readiness:",
        "  - {id: twice, says: Came twice, if: {touch: seminar.attended, within: 180 days, at_least: 2}, points: 5}\n"
        "  - {id: again, says: Came again, if: {all: [{touch: seminar.attended, within: 180 days, at_least: 2}, "
        "{account.employees: {at_least: 10}}]}, points: 3}\nreadiness:",
        1,
    )
    cast = lived(leads=22)
    ada = browser(cast.ada)
    with clock.at(NOW):
        draft = actions.draft(source=double, by=cast.ada, at=NOW).number
        ready(cast, folder)
        before = text(ada, f"/agreement/{draft}/")
        assert (
            "Not looked at, for they read otherwise in the history that is made ready: “Came twice”, “Came again”."
            in before
        )
        ada.post(f"/agreement/{draft}/workshop/prepare/", {"own": "yes"})
        for digest in Bench.objects.filter(status="asked").values_list("hash", flat=True):
            jobs.prepare_bench(agreement_hash=digest)
    page = text(ada, f"/agreement/{draft}/")
    assert "This line scored for the very same leads as “Came twice”, of 22 leads from" in page
    assert "Not looked at" not in page
    assert "very same leads" not in text(browser(cast.cleo), f"/agreement/{draft}/")
