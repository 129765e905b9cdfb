"""Mails: who is told of what, when, and once each. The SMTP server is a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from toutdoux.actions import commands
from toutdoux.association.models import Association
from toutdoux.web import mail, notices, unsubscribing
from toutdoux.web.kinds import Kind
from toutdoux.web.models import Comment, Letter, Notice, Seat

from .conftest import Living, found
from .smtp import Mailbox, smtp_server


@pytest.fixture
def mailbox(settings_of_mail: None) -> Iterator[Mailbox]:
    from django.conf import settings

    with smtp_server() as box:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        yield box


@pytest.fixture
def settings_of_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    for name, value in {
        "MAIL_IS_SENT": True,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": 25,
        "PUBLIC_URL": "https://vote.example.org",
        "DEFAULT_FROM_EMAIL": "toutdoux@example.org",
    }.items():
        monkeypatch.setattr(settings, name, value, raising=False)


def look(now: datetime | None = None) -> datetime:
    """What the clock does in one look."""
    now = now or datetime.now(UTC)
    notices.gather(now)
    notices.write_letters(now)
    mail.send_due(now)
    return now


def subjects(letters: list[Any]) -> list[str]:
    return [str(letter["Subject"]).strip() for letter in letters]


def test_a_new_action_is_told_to_the_others_once(loutres: Living, mailbox: Mailbox) -> None:
    look()
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    look()
    look()
    assert subjects(mailbox.to("bob@example.org")) == [
        "[Les Loutres libres] AO1 a été proposée par Ana Brun"
    ]
    assert mailbox.to("ana@example.org") == []


def test_what_was_before_the_first_look_is_not_told(loutres: Living, mailbox: Mailbox) -> None:
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    look()
    assert mailbox.letters == []


def test_a_letter_is_in_two_forms_and_leads_to_the_action(
    loutres: Living, mailbox: Mailbox
) -> None:
    look()
    loutres.propose("ordinary", "Acheter <b>deux</b> disques & un câble", "ana")
    look()
    (letter,) = mailbox.to("bob@example.org")
    text = letter.get_body(("plain",)).get_content()
    html = letter.get_body(("html",)).get_content()
    assert "https://vote.example.org/a/loutres/actions/AO1" in text
    assert "Acheter <b>deux</b> disques & un câble" in text
    assert "Acheter &lt;b&gt;deux&lt;/b&gt; disques &amp; un câble" in html
    assert "AO1/vote" not in text


def test_one_click_unsubscribes_from_that_kind(
    loutres: Living, mailbox: Mailbox, client_of: Callable[[str], Client]
) -> None:
    look()
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    look()
    (letter,) = mailbox.to("bob@example.org")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = letter["List-Unsubscribe"].strip().strip("<>").removeprefix("https://vote.example.org")
    looked = Client().get(path)
    assert looked.status_code == 200
    assert Seat.objects.get(member__handle="bob").notices == {}
    Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    loutres.propose("ordinary", "Acheter un câble", "ana")
    look()
    assert len(mailbox.to("bob@example.org")) == 1
    assert len(mailbox.to("chloe@example.org")) == 2


def test_a_letter_of_two_kinds_leads_to_no_more_of_these_two(loutres: Living) -> None:
    seat = Seat.objects.get(member__handle="bob")
    link = f"/unsubscribe/{unsubscribing.token(seat, {Kind.MENTION, Kind.NEW_ACTION})}"
    page = Client(headers={"accept-language": "en"}).get(link).content.decode()
    assert page.count("<li>") == 2
    Client().post(link, {"List-Unsubscribe": "One-Click"})
    seat.refresh_from_db()
    assert seat.notices == {"mention": "never", "new_action": "never"}


def test_a_reminder_goes_only_to_those_who_have_not_voted_and_once(
    loutres: Living, mailbox: Mailbox
) -> None:
    now = look()
    ref = loutres.propose("extraordinary", "Ouvrir un service", "ana")
    loutres.vote(ref, bob="for")
    look()
    mailbox.letters.clear()
    for hours in (24 * 6 - 2, 24 * 6 + 1, 24 * 6 + 2, 24 * 6 + 8):
        look(now + timedelta(hours=hours))
    assert mailbox.to("bob@example.org") == []
    (reminder,) = mailbox.to("chloe@example.org")
    assert "attend ton vote" in reminder["Subject"]


def test_an_objection_is_told_to_the_leader(loutres: Living, mailbox: Mailbox) -> None:
    ref = loutres.propose("extraordinary", "Ouvrir un service", "ana")
    look()
    loutres.vote(ref, bob="against")
    look()
    assert len(mailbox.to("ana@example.org")) == 1
    assert mailbox.to("chloe@example.org") == []


def test_a_digest_waits_for_its_hour(loutres: Living, mailbox: Mailbox) -> None:
    Seat.objects.filter(member__handle="bob").update(notices={"new_action": "daily"})
    now = look()
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    loutres.propose("ordinary", "Acheter un câble", "chloe")
    look(datetime.now(UTC))
    assert mailbox.to("bob@example.org") == []
    look(now + timedelta(days=1, hours=1))
    (digest,) = mailbox.to("bob@example.org")
    assert "2 nouvelles" in digest["Subject"]


def test_an_address_that_is_refused_does_not_stop_the_others(
    loutres: Living, mailbox: Mailbox
) -> None:
    look()
    mailbox.unknown.add("bob@example.org")
    mailbox.full.add("chloe@example.org")
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    now = look()
    assert len(mailbox.to("driss@example.org")) == 1
    assert Letter.objects.get(to="bob@example.org").refused is not None
    mailbox.full.clear()
    look(now + timedelta(seconds=30))
    assert mailbox.to("chloe@example.org") == []  # not yet
    look(now + timedelta(minutes=2))
    assert len(mailbox.to("chloe@example.org")) == 1


def test_a_server_that_is_away_is_tried_again_and_nothing_is_lost(
    loutres: Living, settings_of_mail: None
) -> None:
    from django.conf import settings

    settings.EMAIL_PORT = 1
    look()
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    now = look()
    assert Letter.objects.filter(sent=None, refused=None).count() == 3
    with smtp_server() as box:
        settings.EMAIL_PORT = box.port
        look(now + timedelta(minutes=2))
        assert len(box.letters) == 3


def written_to(handle: str) -> list[Letter]:
    return list(Letter.objects.filter(to=f"{handle}@example.org").order_by("id"))


def test_the_link_to_fewer_mails_opens_nothing_else(
    loutres: Living, settings_of_mail: None, client_of: Callable[[str], Client]
) -> None:
    now = datetime.now(UTC)
    notices.gather(now)
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    notices.gather(now)
    notices.write_letters(now)
    (letter,) = written_to("bob")
    address = letter.headers["List-Unsubscribe"]
    seat = Seat.objects.get(member__handle="bob")
    for said in (address, letter.text, letter.html):
        assert "/unsubscribe/" in said
        assert seat.secret not in said
    path = address.strip("<>").removeprefix("https://vote.example.org")
    # It goes on working when the calendar's address is renewed, for nobody else and nothing else.
    client_of("bob").post(loutres.url("me/calendar"))
    assert Client().get(path).status_code == 200
    other = path.replace(f"/{seat.pk}.", f"/{seat.pk + 1}.")
    assert Client().post(other).status_code == 404
    assert Client().post(path.replace("new_action", "mention")).status_code == 404
    assert Client().get(f"/unsubscribe/{seat.secret}").status_code == 404


def test_a_digest_is_not_written_to_somebody_who_left_meanwhile(
    loutres: Living, settings_of_mail: None
) -> None:
    Seat.objects.update(notices={"new_action": "daily"})
    now = datetime.now(UTC)
    notices.gather(now)
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    notices.gather(now)
    commands.end_membership(loutres.request(), loutres.ids["bob"])
    notices.write_letters(now + timedelta(days=1))
    assert len(written_to("chloe")) == 1
    assert written_to("bob") == []
    assert not Notice.objects.filter(seat__member__handle="bob").exists()


def test_somebody_who_returns_later_is_told_nothing_before(
    loutres: Living, settings_of_mail: None
) -> None:
    now = datetime.now(UTC)
    notices.gather(now)
    commands.end_membership(loutres.request(), loutres.ids["bob"])
    later = datetime.now(UTC) + timedelta(days=30)
    commands.begin_membership(loutres.request(), loutres.ids["bob"], later)
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    notices.gather(datetime.now(UTC))
    notices.write_letters(datetime.now(UTC))
    assert len(written_to("chloe")) == 1
    assert written_to("bob") == []


def test_what_two_processes_write_at_once_is_written_once(
    loutres: Living, settings_of_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    notices.gather(now)
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    notices.gather(now)
    real = notices.text_of

    def overtaken(*arguments: Any) -> str:
        monkeypatch.setattr(notices, "text_of", real)
        notices.write_letters(now)  # another process, which is quicker
        return real(*arguments)

    monkeypatch.setattr(notices, "text_of", overtaken)
    notices.write_letters(now)
    assert [len(written_to(one)) for one in ("bob", "chloe", "driss")] == [1, 1, 1]


def test_what_another_process_took_a_part_of_is_told_at_the_next_look(
    loutres: Living, settings_of_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    notices.gather(now)
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    loutres.propose("ordinary", "Acheter un câble", "ana")
    notices.gather(now)
    real = notices.text_of

    def overtaken(*arguments: Any) -> str:
        monkeypatch.setattr(notices, "text_of", real)
        Notice.objects.filter(action="AO1").update(written=now)
        return real(*arguments)

    monkeypatch.setattr(notices, "text_of", overtaken)
    notices.write_letters(now)
    notices.write_letters(now)
    for handle in ("bob", "chloe", "driss"):
        (letter,) = written_to(handle)
        assert "AO1" not in letter.text
        assert "AO2" in letter.text


def test_digests_that_wait_cost_the_same_however_many(
    loutres: Living, settings_of_mail: None
) -> None:
    Seat.objects.update(notices={"new_action": "daily"})
    now = datetime.now(UTC)
    notices.gather(now)
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    notices.gather(now)
    assert Notice.objects.filter(daily=True).count() == 3
    with CaptureQueriesContext(connection) as queries:
        notices.write_letters(now)
    assert len(queries) <= 4
    assert Letter.objects.count() == 0


def test_each_digest_goes_out_at_the_hour_of_its_association(
    loutres: Living, settings_of_mail: None
) -> None:
    hiboux = found("Les Hiboux", "hiboux", {"xena": "Xéna Faure", "yann": "Yann Morel"})
    Association.objects.filter(pk=hiboux.id).update(time_zone="America/Cayenne")
    Seat.objects.update(notices={"new_action": "daily"})
    now = datetime.now(UTC)
    notices.gather(now)
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    hiboux.propose("ordinary", "Acheter un nichoir", "xena")
    notices.gather(now)
    tomorrow = (now + timedelta(days=2)).replace(hour=9, minute=0)
    Notice.objects.update(at=tomorrow - timedelta(hours=12))
    notices.write_letters(tomorrow)  # past eight in Paris, six in Cayenne
    assert (len(written_to("bob")), len(written_to("yann"))) == (1, 0)
    notices.write_letters(tomorrow + timedelta(hours=3))
    assert (len(written_to("bob")), len(written_to("yann"))) == (1, 1)


def test_a_comment_that_comes_into_sight_late_is_told_of_once(
    loutres: Living, settings_of_mail: None
) -> None:
    ref = loutres.propose("ordinary", "Acheter deux disques", "ana")
    now = datetime.now(UTC)
    notices.gather(now)

    def say(id: int, text: str, seconds: float) -> None:
        at = now + timedelta(seconds=seconds)
        Comment.objects.create(
            id=id,
            association_id=loutres.id,
            action=ref,
            member_id=loutres.ids["ana"],
            text=text,
            at=at,
            key=str(id),
        )

    say(1001, "@bob, qu'en dis-tu ?", 31)
    notices.gather(now + timedelta(seconds=32))
    say(1000, "@chloe, et toi ?", 30)
    for seconds in (34, 64, 130, 200):
        notices.gather(now + timedelta(seconds=seconds))
    told = Notice.objects.filter(kind="mention").values_list("seat__member__handle", flat=True)
    assert sorted(told) == ["bob", "chloe"]
