"""The regular review: what it counts, that it stays as it was, and who sees what."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pypdf import PdfReader

from leadpact.agreement import actions as agreement
from leadpact.agreement.queries import in_force
from leadpact.capture.actions import intake
from leadpact.custody.models import Holding
from leadpact.custody.tests.statements import Statements
from leadpact.distribution import actions as sales
from leadpact.kit.failures import CannotDo
from leadpact.leads.models import Lead
from leadpact.loop import clocks
from leadpact.qualification.actions import judge, judge_each
from leadpact.site import meeting, meeting_mail, meeting_paper, meeting_words
from leadpact.site.tests.conftest import BACKEND
from leadpact.team.models import User
from leadpact.tracking import queries as tracking
from leadpact.tuning import queries as tuning
from leadpact.tuning.models import Review, ReviewMail
from tests.cast import DAY, EXAMPLE, HOUR, T0, Cast, make_cast, sign, touch, traits

FIT = traits(**{"account.industry": "Logistics", "account.employees": 900})
MINUTE = HOUR // 60


def handed_over(name: str, *, at: int = T0 + HOUR) -> Lead:
    """Somebody asks for a demo, and is offered to Sales."""
    intake([touch("demo.requested", at=at, email=f"{name}@{name}.example", account=FIT)], known_at=at)
    return Lead.objects.get(person__email=f"{name}@{name}.example")


def holder(lead: Lead) -> User:
    who = Holding.objects.select_related("salesperson").get(lead=lead).salesperson
    assert who is not None
    return who


def rejected(name: str, reason: str = "no_fit", *, at: int = T0 + HOUR, note: str = "") -> Lead:
    lead = handed_over(name, at=at)
    sales.reject(lead_id=lead.pk, reason=reason, by=holder(lead), at=at + MINUTE, note=note)
    return lead


def qualified(name: str, *, at: int = T0 + HOUR) -> Lead:
    lead = handed_over(name, at=at)
    who = holder(lead)
    sales.accept(lead_id=lead.pk, by=who, at=at + MINUTE)
    sales.follow_up(lead_id=lead.pk, outcome="conversation", by=who, at=at + 2 * MINUTE)
    sales.qualify(lead_id=lead.pk, by=who, at=at + 3 * MINUTE)
    return lead


def prepared(cast: Cast, *, since: int = T0, until: int = T0 + DAY, at: int | None = None, seed: str = "s") -> Review:
    return meeting.prepare(since=since, until=until, by=cast.ada, at=until if at is None else at, seed=seed)


def drawn(review: Review) -> dict[int, dict[str, Any]]:
    return {one["lead"]: one for one in review.content["disputed"]["drawn"]}


def promise(review: Review, what: str) -> dict[str, Any]:
    return next(one for one in review.content["promises"]["rows"] if one["what"] == what)


def enter(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    return browser


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_disputes_are_found_and_told(cast: Cast) -> None:
    blamed = rejected("blamed", note="They lease, they never buy.")
    timing = rejected("timing", "not_now")
    repair = rejected("repair", "wrong_data")
    fine = qualified("fine")
    corrected = rejected("corrected", "not_now")
    sales.correct(
        lead_id=corrected.pk, by=User.objects.get(pk=holder_of_last_offer(corrected)), at=T0 + HOUR + 4 * MINUTE
    )
    ignored = handed_over("ignored")
    for _ in range(2):
        clocks.fire_clocks(at=_due(ignored))
    at = _due(ignored) - 1
    review = prepared(cast, until=at)

    found = drawn(review)
    assert {lead: set(one["why"]) for lead, one in found.items()} == {
        blamed.pk: {"definition"}, repair.pk: {"repair"}, corrected.pk: {"corrected", "recalled"}, ignored.pk: {"recalled"},
    }  # fmt: skip
    assert fine.pk not in found
    assert timing.pk not in found, "the time was wrong: nobody differs about the definition"
    one = found[blamed.pk]
    assert (one["verdict"], one["cause"], one["answer"], one["reason"]) == (
        "sales_ready",
        "definition",
        "rejected",
        "no_fit",
    )
    assert {line["id"]: line["points"] for line in one["lines"]}.items() >= {
        "served_industry": 20_000,
        "mid_size": 20_000,
    }.items()
    assert "asked for a demo" in one["clause"]
    assert "never buy" not in str(review.content), "words about people stay where they can be erased"
    assert "blamed" not in str(review.content["disputed"])
    assert "They lease, they never buy." in enter(cast.bo).get(f"/tuning/reviews/{review.number}/").content.decode()


def _due(lead: Lead) -> int:
    at = Holding.objects.get(lead=lead).due
    assert at is not None
    return at


def holder_of_last_offer(lead: Lead) -> int:
    from leadpact.distribution.models import Offer

    return int(Offer.objects.filter(lead=lead).latest("pk").salesperson_id or 0)  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_promises_errors_and_lines_are_counted(cast: Cast) -> None:
    for number in range(3):
        qualified(f"good{number}")
    rejected("bad")
    late = handed_over("late")
    clocks.fire_clocks(at=_due(late))
    review = prepared(cast, until=_due(late) - 1)

    accept = promise(review, "accept_within")
    assert (accept["kept"], accept["tested"], accept["promised"]) == (4, 5, "4 business hours"), (
        "saying why not keeps it too"
    )
    assert accept["change"].startswith("To keep nineteen of twenty, 1 more would have had to be in time.")
    assert sum(kept for kept, _ in accept["weekly"]) == 4
    assert (promise(review, "first_follow_up_within")["kept"], promise(review, "hand_over_within")["tested"]) == (3, 5)
    first = review.content["errors"]["first_here"]
    assert (first["detail"]["definition"], first["detail"]["qualified"]) == (1, 3)
    assert first["says"].startswith("1 of 4 hand-offs that Sales judged were false: 25%")
    row = {one["id"]: one for one in review.content["lines"]["rows"]}["served_industry"]
    assert (row["held"][:2], row["without"][:2], row["verdict"]) == (
        [4, 1],
        [0, 0],
        "4 judged with it, 0 without: too few to say.",
    )
    page = enter(cast.bo).get(f"/tuning/reviews/{review.number}/").content.decode()
    assert "Sales: “Accept in time” was kept 4 of 5 times" in page


@pytest.mark.django_db
def test_leads_are_judged_as_of_instants_of_their_own(cast: Cast) -> None:
    """Against the statement that judges everybody as of one instant, over colleagues whose touches count for each other."""
    people = [f"p{number}@ferro.example" for number in range(5)]
    for number, email in enumerate(people):
        at = T0 + number * 3 * DAY
        intake([touch("page.viewed", at=at, email=email, path="/pricing", account=FIT)], known_at=at)
        intake([touch("seminar.attended", at=at + HOUR, email=email)], known_at=at + DAY)
    intake(
        [touch("page.viewed", at=T0, email=people[0], lead=traits(**{"lead.timeline_months": 3}))],
        known_at=T0 + 20 * DAY,
    )
    version = in_force(T0 + 30 * DAY)
    assert version is not None
    leads = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    moments = [(lead, T0 + day * DAY + n * HOUR) for n, lead in enumerate(leads) for day in (1, 4, 11, 21, 190)]
    found = {(one.lead_id, one.as_of): one for one in judge_each(moments=moments, agreement_hash=version.hash)}
    assert len(found) == len(moments)
    for lead, as_of in moments:
        (alone,) = judge(lead_ids=[lead], as_of=as_of, version=version, history=True)
        one = found[lead, as_of]
        assert (one.verdict, one.decided_by, one.fit, one.engagement, one.readiness, dict(one.parts)) == (
            alone.verdict, alone.decided_by, alone.fit, alone.engagement, alone.readiness, dict(alone.parts),
        )  # fmt: skip
    assert len({one.verdict for one in found.values()}) >= 3


# --- it stays ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_week_later_it_says_the_same(cast: Cast) -> None:
    """Late clocks, who waits, who is in repair: all of it as the range ended, whatever has happened since."""
    late, mended = handed_over("late"), rejected("mended", "wrong_data")
    sales.accept(lead_id=late.pk, by=holder(late), at=T0 + HOUR + MINUTE)
    intake([touch("seminar.attended", at=T0 + HOUR, email="slow@slow.example")], known_at=T0 + HOUR)
    until = T0 + 40 * DAY
    clocks.fire_clocks(at=until - HOUR)
    review = prepared(cast, until=until)
    assert promise(review, "first_follow_up_within")["late_now"] == 1
    assert promise(review, "touch_every")["late_now"] == 1
    assert promise(review, "answer_rejection_within")["late_now"] == 1
    assert drawn(review)[mended.pk]["why"] == ["repair"]
    assert review.content["errors"]["pool"] == tuning.pool_size() > 0
    # The same from the holdings: at the end of the range both ways of asking agree.
    running = {one.what: (one.late_now, one.tested) for one in tracking.promises(since=T0, until=until)}
    assert {one["what"]: (one["late_now"], one["tested"]) for one in review.content["promises"]["rows"]} == running

    later = until + 7 * DAY
    sales.follow_up(lead_id=late.pk, outcome="conversation", by=holder(late), at=until + HOUR)
    sales.qualify(lead_id=late.pk, by=holder(late), at=until + 2 * HOUR)
    intake([touch("email.sent", at=until + HOUR, email="slow@slow.example")], known_at=until + HOUR)
    intake(
        [touch("demo.requested", at=until + HOUR, email="slow@slow.example", account=FIT)], known_at=until + 2 * HOUR
    )
    handed_over("new", at=until + DAY)
    clocks.fire_clocks(at=later)
    clocks.let_time_pass(at=later)
    assert {one.what: one.late_now for one in tracking.promises(since=T0, until=until)} != {
        what: late for what, (late, _) in running.items()
    }
    again = prepared(cast, until=until, at=later)
    assert again.as_of == review.as_of == until
    assert (again.content, again.digest) == (review.content, review.digest)


@pytest.mark.django_db
def test_what_was_said_on_the_lines_stands_in_it(cast: Cast) -> None:
    """Remarks of the range and threads open at its end, of both departments; not what was settled before or said after."""
    since, until = T0 + 2 * DAY, T0 + 3 * DAY
    settled = agreement.comment(number=1, key="seminar", text="Settled long ago", by=cast.ada, at=T0 + HOUR)
    agreement.resolve(thread_id=settled.pk, by=cast.ada, at=T0 + DAY)
    agreement.comment(number=1, key="student", text="Open since May", by=cast.ada, at=T0 + HOUR)
    both = agreement.comment(number=1, key="pricing", text="Five is much", by=cast.bo, at=since + HOUR)
    agreement.answer(thread_id=both.pk, number=1, text="It is little", by=cast.ada, at=since + 2 * HOUR)
    agreement.answer(thread_id=both.pk, number=1, text="Said after the range", by=cast.bo, at=until + HOUR)
    agreement.comment(number=1, key="sales_ready.1", text="Thirty is high", by=cast.bo, at=since + HOUR)
    review = prepared(cast, since=since, until=until, at=until + DAY)
    assert {one["key"]: (one["open"], len(one["said"])) for one in review.content["talk"]} == {
        "student": (True, 1), "pricing": (True, 2), "sales_ready.1": (True, 1),
    }  # fmt: skip
    assert "Five" not in str(review.content), "words are read when the review is"
    page = enter(cast.ada).get(f"/tuning/reviews/{review.number}/").content.decode()
    for shown in (page, meeting_paper.html(review, blind=False)):
        assert "Five is much" in shown
        assert "It is little" in shown
        assert "Open since May" in shown
        assert "Keeps reading the price page" in shown
        assert "Sales-ready: Fit is at least 40 and engagement is at least 30." in shown
        assert "sales_ready.1" not in shown
        assert "Settled long ago" not in shown
        assert "Said after the range" not in shown
    assert "Five is much" not in meeting_paper.html(review, blind=True)


@pytest.mark.django_db
def test_it_is_read_again_to_the_digit(cast: Cast, as_owner: Callable[[], Any]) -> None:
    for number in range(14):
        rejected(f"n{number}")
    review = prepared(cast, seed="one seed")
    before = meeting_paper.html(review, blind=False)
    assert len(drawn(review)) == 10
    assert review.content["disputed"]["of"] == 14
    again = prepared(cast, at=T0 + DAY, seed="one seed")
    assert (again.content, again.digest) == (review.content, review.digest)
    assert (
        prepared(cast, at=T0 + DAY, seed="another").content["disputed"]["drawn"] != review.content["disputed"]["drawn"]
    )

    qualified("later", at=T0 + 2 * HOUR)
    assert meeting_paper.html(tuning.review(review.number), blind=False) == before
    assert prepared(cast, at=T0 + DAY, seed="one seed").digest != review.digest
    for change in ("UPDATE tuning_review SET seed = 'x'", "DELETE FROM tuning_review"):
        with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
        with (
            as_owner(),
            pytest.raises(IntegrityError, match="only grows"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)


@pytest.mark.django_db
def test_statements_do_not_grow_with_what_there_is(cast: Cast) -> None:
    def measured() -> tuple[int, int]:
        with Statements() as gathered:
            review = prepared(cast)
        browser = enter(cast.bo)
        browser.get(f"/tuning/reviews/{review.number}/")
        with Statements() as read:
            browser.get(f"/tuning/reviews/{review.number}/")
        return len(gathered.sent), len(read.sent)

    rejected("a")
    qualified("b")
    measured()  # what is kept in memory (the version, its query, the drawing of charts) is asked for once
    first = measured()
    assert min(first) > 5
    for number in range(8):
        rejected(f"c{number}")
        qualified(f"d{number}")
    assert measured() == first


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        (T0 + DAY, T0, "ends before it begins"),
        (T0, T0, "ends before it begins"),
        (T0, T0 + 3 * DAY, "not over yet"),
        (T0 - 400 * DAY, T0, "a year at most"),
    ],
)
def test_a_range_that_cannot_be_reviewed_is_refused(cast: Cast, since: int, until: int, says: str) -> None:
    with pytest.raises(CannotDo, match=says):
        prepared(cast, since=since, until=until, at=T0 + 2 * DAY)
    assert not Review.objects.exists()


@pytest.mark.django_db
def test_before_an_agreement_and_with_a_draft_that_waits() -> None:
    people = make_cast()
    empty = prepared(people)
    assert empty.content["agreement"] is None
    source = EXAMPLE.read_text(encoding="utf-8")
    sign(people, source=source)
    agreement.draft(source=source.replace("at_least: 30}}]", "at_least: 35}}]"), by=people.ada, at=T0)
    agreement.draft(source="leadpact: 1\nname: broken\n", by=people.ada, at=T0)
    waiting = prepared(people).content["proposals"]
    assert [one["readable"] for one in waiting] == [False, True]
    assert any("35" in change and "30" in change for change in waiting[1]["changes"])
    page = enter(people.bo).get("/tuning/reviews/2/").content.decode()
    assert "It has errors to mend before it can be compared." in page


# --- who sees what ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_whoever_takes_leads_reads_a_blind_edition(cast: Cast) -> None:
    answered, open_ = rejected("answered"), handed_over("open")
    for _ in range(2):
        clocks.fire_clocks(at=_due(open_))
    review = prepared(cast, until=_due(open_) - 1)
    address = f"/tuning/reviews/{review.number}/"
    assert set(drawn(review)) == {answered.pk, open_.pk}
    User.objects.filter(pk=cast.bo.pk).update(takes_leads=True)

    seen, blind = enter(cast.ada), enter(cast.bo)
    whole, told = (browser.get(address).content.decode() for browser in (seen, blind))
    for secret in (
        "at the hand-over (fit",
        "Line by line",
        "Proposals",
        f'id="lead-{open_.pk}"',
        "under the agreement",
        "Of those handed over in the range",
    ):
        assert secret in whole
        assert secret not in told
    assert f'id="lead-{answered.pk}"' in told
    assert "Works in an industry we serve" in told
    for ending in ("html", "pdf"):
        paper = blind.get(f"{address}review.{ending}")
        text = paper.content.decode() if ending == "html" else _text(paper.content)
        assert "Line by line" not in text
        assert "open@open.example" not in text
        assert "answered@answered.example" in text
    # Weekly counts of what was handed over under the agreement, beside how many came, would tell how many checks did.
    told_of = {one["id"] for one in meeting_words.drifts_for(review.content, blind=True)}
    assert told_of == {"captured", "accept_within"} < {one["id"] for one in review.content["drift"]}
    refused = blind.post(f"{address}note/", {"lead": str(open_.pk), "text": "what of this one?"}, follow=True)
    assert "did not read that lead" in refused.content.decode()
    refused = blind.post("/tuning/reviews/", {"from": "2026-05-28", "until": "2026-05-28"}, follow=True)
    assert "who takes no leads" in refused.content.decode()
    assert Review.objects.count() == 1


@pytest.mark.django_db
def test_salespeople_are_told_no_and_strangers_log_in(cast: Cast) -> None:
    review = prepared(cast)
    for address in (
        "/tuning/reviews/",
        f"/tuning/reviews/{review.number}/",
        f"/tuning/reviews/{review.number}/review.pdf",
    ):
        assert enter(cast.cleo).get(address).status_code == 403
        assert Client().get(address).status_code == 302
    assert enter(cast.ada).get("/tuning/reviews/99/").status_code == 404


@pytest.mark.django_db
def test_what_the_meeting_says_is_written_down_and_printed(cast: Cast) -> None:
    lead = rejected("blamed")
    review = prepared(cast)
    address = f"/tuning/reviews/{review.number}/"
    browser = enter(cast.bo)
    browser.post(
        f"{address}note/", {"lead": str(lead.pk), "text": "Leasing firms are out: <b>add a line</b>.", "decided": "on"}
    )
    browser.post(f"{address}note/", {"lead": "", "text": "We meet on Tuesdays."})
    for wrong, says in (
        ({"text": "  "}, "Write what was said"),
        ({"text": "x" * 4_001}, "4,000 characters at most"),
        ({"text": "x", "lead": "999999"}, "did not read that lead"),
        ({"text": "x", "lead": "1; drop"}, "That is no lead"),
    ):
        assert says in browser.post(f"{address}note/", wrong, follow=True).content.decode()
    assert review.notes.count() == 2  # type: ignore[attr-defined]
    text = _text(enter(cast.ada).get(f"{address}review.pdf").content)
    for said in ("Leasing firms are out: <b>add a line</b>.", "Decided", "We meet on Tuesdays.", "Bo,"):
        assert said in text
    assert tuning.review(review.number).digest == review.digest


def _text(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.django_db
def test_the_paper_says_what_the_page_says(cast: Cast) -> None:
    lead = rejected("blamed")
    review = prepared(cast)
    pdf = meeting_paper.pdf(meeting_paper.html(review, blind=False))
    reader = PdfReader(io.BytesIO(pdf))
    assert float(reader.pages[0].mediabox.width) == pytest.approx(595.3, abs=1), "A4"
    text = _text(pdf)
    for said in (
        "Review of 28 – 29 May", "Promises kept", "Accept in time", "Both errors", "Drift", "To read together",
        f"lead {lead.pk}", "Sales gave it back and blamed the definition", "Line by line", "Notes and decisions", review.digest,
    ):  # fmt: skip
        assert said in text, said
    page = meeting_paper.html(review, blind=False)
    assert "<script" not in page
    assert "var(--" not in page
    with pytest.raises(ValueError, match="fetches nothing"):
        meeting_paper._nothing("http://127.0.0.1/")


@pytest.mark.django_db
def test_a_machine_without_pango_says_what_to_install_and_mails_html(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = prepared(cast)
    for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)

    def absent(_: object, name: str, *__: object) -> None:
        raise OSError(f"cannot load library '{name}'")

    monkeypatch.setattr("cffi.FFI.dlopen", absent)
    answer = enter(cast.ada).get(f"/tuning/reviews/{review.number}/review.pdf")
    assert answer.status_code == 409
    assert "apt-get install libpango-1.0-0" in answer.content.decode()
    mail = meeting_mail.written(ReviewMail(review=review, user=cast.ada))
    ((name, page, kind),) = mail.attachments
    assert (name, kind) == (f"review-{review.number}.html", "text/html")
    assert "Promises kept" in page
