"""The agreement's pages: writing at the same time, talking about lines, proposing, signing, going back, and who sees what."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from leadpact.agreement import actions
from leadpact.agreement.models import Comment, Effect, Revision, Thread, Version
from leadpact.agreement.queries import drafts, in_force
from leadpact.agreement.rules import Refused
from leadpact.kit import clock
from leadpact.team.models import User
from tests.cast import DAY, EXAMPLE, T0, Cast, sign

SOURCE = EXAMPLE.read_text(encoding="utf-8")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
Browser = Callable[[User], Client]


@pytest.fixture
def browser() -> Browser:
    def of(user: User) -> Client:
        client = Client()
        client.force_login(user, backend=BACKEND)
        return client

    return of


@pytest.fixture
def draft(cast: Cast) -> int:
    return actions.draft(source=SOURCE, by=cast.ada, at=T0 + 1).number


def opened(client: Client, address: str) -> tuple[str, str]:
    """The draft's page as a browser holds it: its text, and the revision it came from."""
    page = client.get(address).content.decode()
    base = re.search(r'name="base" value="(\d+)"', page)
    assert base is not None
    return SOURCE, base[1]


# --- writing at once ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_two_who_change_different_lines_both_have_their_words(cast: Cast, draft: int, browser: Browser) -> None:
    ada, bo = browser(cast.ada), browser(cast.bo)
    address = f"/agreement/{draft}/edit/"
    text, base = opened(ada, address)
    assert opened(bo, address) == (text, base)
    ada.post(address, {"source": text.replace("points: 15", "points: 16", 1), "base": base})
    answer = bo.post(address, {"source": text.replace("at_least: 6,", "at_least: 5,"), "base": base}, follow=True)
    assert "both are in the draft now" in answer.content.decode()
    now = Version.objects.get(number=draft).source
    assert "points: 16" in now
    assert "at_least: 5," in now
    kept = Revision.objects.filter(version__number=draft).order_by("number")
    assert [(one.number, one.by_id, one.base, one.aside, one.settles) for one in kept] == [
        (1, cast.ada.pk, None, False, None), (2, cast.ada.pk, 1, False, None),
        (3, cast.bo.pk, 1, True, None), (4, cast.bo.pk, 2, False, 3),
    ]  # fmt: skip
    assert "at_least: 5," in kept[2].source
    assert "points: 16" not in kept[2].source, "as Bo wrote it"


@pytest.mark.django_db
@pytest.mark.parametrize(("choice", "holds"), [("theirs", "points: 16"), ("mine", "points: 17")])
def test_two_who_change_one_line_see_both_texts_and_nothing_is_lost(
    choice: str, holds: str, cast: Cast, draft: int, browser: Browser
) -> None:
    ada, bo = browser(cast.ada), browser(cast.bo)
    address = f"/agreement/{draft}/edit/"
    text, base = opened(ada, address)
    old = "    if: {account.active_people: {at_least: 3, within: 30 days}}\n    points: 15"
    ada.post(address, {"source": text.replace(old, old.replace("15", "16")), "base": base})
    mine = text.replace(old, old.replace("15", "17")).replace("Northwind", "Southwind")
    answer = bo.post(address, {"source": mine, "base": base}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == f"/agreement/{draft}/revisions/3/settle/"
    assert [word in page for word in ("points: 15", "points: 16", "points: 17")] == [True] * 3
    assert "points: 16" in Version.objects.get(number=draft).source, "the draft is as Ada saved it"
    for client in (ada, bo):
        assert "is not in the draft yet" in client.get(f"/agreement/{draft}/").content.decode()

    without = bo.post(f"/agreement/{draft}/revisions/3/settle/", {"head": "2"}, follow=True)
    assert "Choose for each place" in without.content.decode()
    bo.post(f"/agreement/{draft}/revisions/3/settle/", {"head": "2", "choice-0": choice})
    now = Version.objects.get(number=draft)
    assert holds in now.source
    assert now.name == "Southwind qualified lead", "what did not touch is in, whatever was chosen"
    assert drafts.aside(draft) == []
    assert "points: 17" in ada.get(f"/agreement/{draft}/revisions/3/").content.decode()


@pytest.mark.django_db
def test_choices_made_against_a_text_that_moved_on_are_asked_again(cast: Cast, draft: int) -> None:
    actions.edit(number=draft, source=SOURCE.replace("4 business", "3 business"), by=cast.ada, at=T0 + 2, base=1)
    aside = actions.edit(number=draft, source=SOURCE.replace("4 business", "5 business"), by=cast.bo, at=T0 + 3, base=1)
    assert aside.clashes == 1
    actions.edit(number=draft, source=SOURCE.replace("4 business", "2 business"), by=cast.ada, at=T0 + 4, base=2)
    late = actions.settle(number=draft, aside=aside.revision, head=2, choices={0: "mine"}, by=cast.bo, at=T0 + 5)
    assert late.clashes == 1
    assert "2 business" in Version.objects.get(number=draft).source
    with pytest.raises(Refused, match="no such text"):
        actions.settle(number=draft, aside=1, head=4, choices={}, by=cast.bo, at=T0 + 6)
    with pytest.raises(Refused, match="unknown"):
        actions.edit(number=draft, source="x", by=cast.bo, at=T0 + 6, base=99)


@pytest.mark.django_db
def test_a_broken_text_is_kept_and_an_earlier_one_taken_again(cast: Cast, draft: int, browser: Browser) -> None:
    ada = browser(cast.ada)
    broken = SOURCE.replace("points: 25", "points: many")
    answer = ada.post(f"/agreement/{draft}/edit/", {"source": broken, "base": "1"}, follow=True)
    page = answer.content.decode()
    assert "with 1 error to mend" in page
    assert "points: many" in page
    listed = ada.get(f"/agreement/{draft}/revisions/").content.decode()
    assert listed.count("/revisions/") >= 2
    assert "Take this text again" in ada.get(f"/agreement/{draft}/revisions/1/").content.decode()
    ada.post(f"/agreement/{draft}/edit/", {"source": SOURCE, "base": "2"})
    assert Version.objects.get(number=draft).source == SOURCE
    assert Revision.objects.filter(version__number=draft).count() == 3


# --- proposing, signing, going back --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_whole_way_through_the_pages_and_back(cast: Cast, browser: Browser) -> None:
    ada, bo = browser(cast.ada), browser(cast.bo)
    with clock.at(T0 + DAY):
        answer = ada.post(
            "/agreement/new/", {"source": SOURCE.replace("at_least: 30}}", "at_least: 31}}")}, follow=True
        )
        assert "What it changes" in answer.content.decode()
        ada.post("/agreement/2/propose/", {"why": "Too many said no.", "wanted_at": ""})
        asks = "Version 2 of the agreement waits for your signature, proposed by Ada"
        assert [asks in browser(one).get("/").content.decode() for one in (cast.ada, cast.bo, cast.cleo)] == [
            True,
            True,
            False,
        ]
        page = bo.get("/agreement/2/").content.decode()
        assert "Too many said no." in page
        assert "waits for signatures" in page
        assert "takes effect when the other" in bo.post("/agreement/2/sign/", follow=True).content.decode()
        assert [asks in one.get("/").content.decode() for one in (ada, bo)] == [True, False]
        assert "It is in force" in ada.post("/agreement/2/sign/", follow=True).content.decode()
    with clock.at(T0 + 2 * DAY):
        assert "can be again by new signatures" in ada.get("/agreement/1/").content.decode()
        bo.post("/agreement/1/propose/", {"wanted_at": "2026-05-31T08:00"})
        ada.post("/agreement/1/sign/")
        assert "It takes effect" in bo.post("/agreement/1/sign/", follow=True).content.decode()
        overview = bo.get("/agreement/").content.decode()
        assert "begins" in overview
    effect = Effect.objects.order_by("-pk").first()
    assert effect is not None
    assert effect.effective_at == 1_780_214_400_000_000, "08:00 in the reader's zone, which is UTC"
    assert [in_force(at).number for at in (T0 + DAY, effect.effective_at)] == [2, 1]  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_refusal_is_a_sentence_and_bad_instants_too(cast: Cast, draft: int, browser: Browser) -> None:
    ada = browser(cast.ada)
    for typed in ("tomorrow", "2026-13-45T99:00"):
        page = ada.post(
            f"/agreement/{draft}/propose/",
            {"wanted_at": typed},
            follow=True,
            headers={"referer": "http://testserver/agreement/"},
        )
        assert "Give the instant as a date and a time" in page.content.decode()
    with clock.at(T0 + DAY):
        page = ada.post(
            f"/agreement/{draft}/propose/", follow=True, headers={"referer": f"http://testserver/agreement/{draft}/"}
        )
    assert "means the same as version 1. It is in force" in page.content.decode()
    page = ada.post(
        f"/agreement/{draft}/withdraw/", follow=True, headers={"referer": f"http://testserver/agreement/{draft}/"}
    )
    assert "not proposed; there is nothing to withdraw" in page.content.decode()


# --- talking about a line ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_both_departments_talk_about_a_line_and_the_talk_outlives_the_version(cast: Cast, browser: Browser) -> None:
    ada, bo = browser(cast.ada), browser(cast.bo)
    bo.post("/agreement/1/talk/", {"key": "seminar", "text": "They come for the lunch.\n<b>Truly.</b>"})
    thread = Thread.objects.get()
    ada.post("/agreement/1/talk/", {"thread": thread.pk, "text": "Then 12, not 20?"})
    second = sign(
        cast, at=T0 + DAY, source=SOURCE.replace("    points: 20\n    at_most: 40", "    points: 12\n    at_most: 40")
    )
    page = ada.get(f"/agreement/{second}/").content.decode()
    assert "They come for the lunch." in page
    assert "&lt;b&gt;Truly.&lt;/b&gt;" in page
    assert "on version 1, where it reads: Came to a seminar, +20 (Each time they came" in page
    assert "where it reads" not in ada.get("/agreement/1/").content.decode(), "it was said there"
    workshop = ada.get(f"/agreement/{second}/workshop/").content.decode()
    assert "on version 1, where it reads: Came to a seminar, +20 (Each time they came" in workshop
    bo.post(f"/agreement/{second}/talk/", {"thread": thread.pk, "settles": "yes"})
    assert "Settled by Bo" in ada.get(f"/agreement/{second}/").content.decode()
    ada.post(f"/agreement/{second}/talk/", {"thread": thread.pk, "text": "It comes up again."})
    thread.refresh_from_db()
    assert thread.resolved_at is None
    assert list(Comment.objects.order_by("pk").values_list("department", "version__number")) == [
        ("sales", 1), ("marketing", 1), ("marketing", second),
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"key": "seminar", "text": "  "}, "Write something first"),
        ({"key": "seminar", "text": "x" * 4_001}, "at most 4,000 characters"),
        ({"key": "x" * 90, "text": "x"}, "no line with such a name"),
        ({"thread": "4711", "text": "x"}, "no such thread"),
        ({"key": "seminar", "text": "a\x00b"}, "cannot be kept"),
    ],
)
def test_what_cannot_be_said_is_told_in_a_sentence(
    form: dict[str, str], says: str, cast: Cast, browser: Browser
) -> None:
    answer = browser(cast.ada).post(
        "/agreement/1/talk/", form, follow=True, headers={"referer": "http://testserver/agreement/"}
    )
    assert says in answer.content.decode()
    assert Comment.objects.count() == 0


# --- who sees what -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_whoever_takes_leads_sees_no_comment_no_revision_and_no_workshop(
    cast: Cast, draft: int, browser: Browser
) -> None:
    actions.comment(number=1, key="sales_ready.1", text="30 is too high", by=cast.ada, at=T0)
    cleo = browser(cast.cleo)
    for address in ("/agreement/1/", "/agreement/"):
        page = cleo.get(address)
        assert page.status_code == 200
        assert "too high" not in page.content.decode()
    for address in (
        f"/agreement/{draft}/revisions/", f"/agreement/{draft}/revisions/1/", f"/agreement/{draft}/edit/",
        "/agreement/1/agreement.yaml", "/agreement/1/workshop/", "/agreement/1/workshop/figures/", "/agreement/compare/?a=1&b=1",
        f"/agreement/{draft}/revisions/1/settle/",
    ):  # fmt: skip
        assert cleo.get(address).status_code in {403, 409}, address
    cleo.post("/agreement/1/talk/", {"key": "", "text": "me too"})
    assert Comment.objects.count() == 1
    with pytest.raises(Refused, match="closed for whoever takes leads"):
        actions.comment(number=1, key="", text="me too", by=cast.cleo, at=T0)


def test_two_versions_are_two(cast: Cast, browser: Callable[[User], Client]) -> None:
    ada = browser(cast.ada)
    alone = ada.get("/agreement/compare/").content.decode()
    assert "Version 1, beside no other" in alone
    assert "There is no other version to compare it with yet" in alone
    assert "What differs" not in alone
    actions.draft(source=EXAMPLE.read_text(encoding="utf-8"), by=cast.ada, at=clock.now())
    assert "Version 1 beside version 2" in ada.get("/agreement/compare/").content.decode()
    assert '<h2>Version 1</h2>\n<span class="mute">in force</span>' in ada.get("/agreement/compare/").content.decode()
    assert '<h2>Version 2</h2>\n<span class="mute">a draft</span>' in ada.get("/agreement/compare/").content.decode()
    assert "Version 2 beside version 1" in ada.get("/agreement/compare/?a=2").content.decode()
    same = ada.get("/agreement/compare/?a=2&b=2").content.decode()
    assert "Choose two versions that differ" in same
    assert "There is no other version" not in same
