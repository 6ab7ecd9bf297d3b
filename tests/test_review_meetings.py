"""The review that an agreement plans: prepared at its instant, also after a pause or by two workers, and mailed once."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.db import connection, connections

from leadpact.kit import clock
from leadpact.site import jobs, meeting, meeting_mail
from leadpact.team.models import User
from leadpact.tuning.models import Review, ReviewMail
from tests.cast import DAY, EXAMPLE, HOUR, Cast, make_cast, sign
from tests.test_review import MINUTE, enter, rejected

PLAN = '\nreview: {every: week, on: monday, at: "09:00"}\n'
MEETING = 1_780_322_400_000_000  # Monday 1 June 2026, 09:00 in Chicago


@dataclass
class Post:
    """A mail server on this machine: it keeps what it takes, and refuses recipients that it is told to."""

    taken: list[Any] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    cuts: bool = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuses:
            return "450 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append((envelope.rcpt_tos[0], envelope.content))
        if self.cuts:
            server.transport.close()
        return "250 OK"


class Door(Controller):
    """Listens on a free port."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """SMTP as it is set in production, at a server that listens on a free port."""
    handler = Post()
    controller = Door(handler, hostname="127.0.0.1", port=0)
    controller.start()
    for name, value in {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": controller.port, "MAIL_WORKS": True, "EMAIL_USE_TLS": False,
        "PUBLIC_URL": "https://leads.northwind.example",
    }.items():  # fmt: skip
        monkeypatch.setattr(settings, name, value, raising=False)
    yield handler
    controller.stop()


def planned() -> Cast:
    people = make_cast()
    sign(people, source=EXAMPLE.read_text(encoding="utf-8") + PLAN)
    return people


def deferred() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args ->> 'mail_id' FROM procrastinate_jobs WHERE task_name = 'site.mail_review' ORDER BY id"
        )
        return [int(row[0]) for row in cursor.fetchall()]


@pytest.mark.django_db
def test_the_review_of_a_meeting_is_prepared_at_its_instant_and_mailed_once(post: Post) -> None:
    cast = planned()
    rejected("blamed")
    with clock.at(MEETING - 1):
        jobs.prepare_review()
    assert not Review.objects.exists()
    for later in (0, MINUTE, 3 * DAY):
        with clock.at(MEETING + later):
            jobs.prepare_review()
    review = Review.objects.get()
    assert (review.until, review.as_of, review.since) == (MEETING, MEETING, MEETING - 7 * DAY)
    waiting = deferred()
    assert len(waiting) == 2

    for mail in [*waiting, *waiting]:
        jobs.mail_review(mail)
    assert sorted(to for to, _ in post.taken) == ["ada@northwind.example", "bo@northwind.example"]
    assert b"https://leads.northwind.example/tuning/reviews/1/" in post.taken[0][1]
    assert b"review-1.pdf" in post.taken[0][1]
    assert ReviewMail.objects.filter(sent_at__isnull=False).count() == 2
    home = enter(cast.ada)
    with clock.at(MEETING + HOUR):
        assert "The review of 25 May – 1 Jun is ready" in home.get("/").content.decode()
        assert "is ready" not in enter(cast.cleo).get("/").content.decode()


@pytest.mark.django_db
def test_a_mail_that_may_have_gone_is_not_sent_again(post: Post) -> None:
    planned()
    with clock.at(MEETING):
        jobs.prepare_review()
    first, second = deferred()
    post.refuses = {"ada@northwind.example"}
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        meeting_mail.mail_review(mail_id=first)
    mail = ReviewMail.objects.get(pk=first)
    assert "SMTPRecipientsRefused" in mail.problem
    post.refuses = set()
    assert meeting_mail.mail_review(mail_id=first), "it certainly had not gone: it is tried again"

    post.cuts = True
    with pytest.raises(smtplib.SMTPServerDisconnected):
        meeting_mail.mail_review(mail_id=second)
    post.cuts = False
    assert not meeting_mail.mail_review(mail_id=second), "the server may have taken it"
    assert [to for to, _ in post.taken] == ["ada@northwind.example", "bo@northwind.example"]
    page = enter(User.objects.get(email="ada@northwind.example")).get("/tuning/reviews/1/").content.decode()
    assert "it is not known whether it went" in page


@pytest.mark.django_db
def test_downtime_leaves_one_review_that_covers_it() -> None:
    planned()
    with clock.at(MEETING + HOUR):
        jobs.prepare_review()
    assert deferred() == [], "without SMTP it is shown on Home, and mailed to nobody"
    with clock.at(MEETING + 24 * DAY):
        jobs.prepare_review()
    last = Review.objects.latest("number")
    assert Review.objects.count() == 2
    assert (last.since, last.until) == (MEETING, MEETING + 21 * DAY)


@pytest.mark.django_db
def test_an_agreement_that_names_no_meeting_prepares_none(cast: Cast) -> None:
    with clock.at(MEETING + DAY):
        jobs.prepare_review()
    assert not Review.objects.exists()
    assert "names no regular meeting" in enter(cast.ada).get("/tuning/reviews/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_workers_prepare_a_meeting_once() -> None:
    planned()
    start, failures = threading.Barrier(2), []

    def work() -> None:
        try:
            start.wait(10)
            meeting.prepare_scheduled(at=MEETING + HOUR)
        except Exception as problem:  # noqa: BLE001
            failures.append(problem)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert failures == []
    assert Review.objects.count() == 1
