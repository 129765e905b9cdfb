"""Verifying: whatever was changed is named, in the entries and in the tables."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import orjson
import pytest
from django.db import connection

from tests.independent.forging import FORGED, extra_in_data, forged
from tests.ledger.small import Small
from toutdoux.actions import commands, verifying
from toutdoux.actions.models import Action, ImportedAction, Version, Vote
from toutdoux.actions.verifying import ledgers, verify_association
from toutdoux.association.models import (
    Association,
    CharterVersion,
    Member,
    Membership,
    Period,
    Role,
)
from toutdoux.core.chain import Broken, canonical, digest
from toutdoux.core.history import Choice
from toutdoux.core.words import Refusal
from toutdoux.journal.models import JournalEntry, Publication
from toutdoux.ledger import book, checking
from toutdoux.ledger.bundle import Bundle, write_bundle
from toutdoux.ledger.checking import verify_bundle
from toutdoux.ledger.models import Entry, Ledger, Operator, Text


@pytest.fixture
def small(home):
    told = Small()
    commands.settle(told.request(40))
    return told


def difference(small):
    with pytest.raises(Broken) as caught:
        verify_association(small.id)
    return caught.value


def test_what_was_recorded_is_found_whole(small):
    verified = verify_association(small.id)
    assert verified.length == Ledger.objects.get().length
    assert verified.decisions == 2


def test_every_changed_entry_is_named(small):
    for row in list(Entry.objects.order_by("seq")):
        body = bytes(row.body)
        Entry.objects.filter(seq=row.seq).update(body=body.replace(b'"seq"', b'"sep"', 1))
        assert difference(small).seq == row.seq
        Entry.objects.filter(seq=row.seq).update(body=body)
    verify_association(small.id)


def test_an_entry_that_is_gone_is_named(small):
    last = Entry.objects.order_by("seq").last()
    Entry.objects.filter(seq=last.seq).delete()
    assert difference(small).seq == last.seq


def rewrite(small, change):
    """Somebody with the database at hand rewrites history: every hash is right again."""
    prev = "0" * 64
    for row in list(Entry.objects.order_by("seq")):
        entry = orjson.loads(bytes(row.body))
        change(entry)
        entry["prev"] = prev
        body = canonical(entry)
        prev = digest(body)
        Entry.objects.filter(seq=row.seq).update(body=body, hash=prev)
    Ledger.objects.update(head=prev)


def decision_of(small, ref):
    for row in Entry.objects.filter(subject=ref):
        entry = orjson.loads(bytes(row.body))
        if entry["kind"] in ("action.adopted", "action.cancelled"):
            return row.seq
    raise AssertionError(ref)


@pytest.mark.parametrize(
    "forged",
    [
        {"how": "majority"},
        {"for": 3},
        {"against": 1},
        {"roll": 4},
        {"contested": 1},
    ],
)
def test_a_decision_that_does_not_follow_is_named_though_every_hash_is_right(small, forged):
    seq = decision_of(small, "AE1")

    def change(entry):
        if entry["seq"] == seq:
            entry["data"].update(forged)

    rewrite(small, change)
    assert difference(small).seq == seq


def test_a_decision_dated_otherwise_is_named(small):
    seq = decision_of(small, "AE1")

    def change(entry):
        if entry["seq"] == seq:
            entry["at"] = entry["at"].replace("T", "T", 1)[:-8] + "000001Z"

    rewrite(small, change)
    assert difference(small).seq == seq


def test_a_vote_by_nobody_is_named(small):
    votes = [e for e in map(body_of, Entry.objects.order_by("seq")) if e["kind"] == "vote.cast"]

    def change(entry):
        if entry["seq"] == votes[0]["seq"]:
            entry["by"] = "0" * 16

    rewrite(small, change)
    assert difference(small).seq == votes[0]["seq"]


def body_of(row):
    return orjson.loads(bytes(row.body))


def small_day():
    from tests.ledger.small import BEGIN

    return BEGIN - timedelta(days=3)


def delete_a_reason():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_text WHERE text LIKE 'Zut%%'")


TABLES = {
    "a vote": lambda: Vote.objects.filter(counted=True).update(choice="abstain"),
    "a vote that is gone": lambda: Vote.objects.all().delete(),
    "a vote too many": lambda: Vote.objects.create(
        action_id=Action.objects.first().pk,
        ballot="action",
        member="x",
        counted=True,
        choice="for",
    ),
    "a tally": lambda: Action.objects.filter(ref="AE1").update(votes_for=7),
    "a state": lambda: Action.objects.filter(ref="AE1").update(state="cancelled"),
    "a leader": lambda: Action.objects.filter(ref="AE1").update(leader="x"),
    "a version": lambda: Version.objects.filter(number=1).delete(),
    "an action that is gone": lambda: (
        Vote.objects.all().delete(),
        Version.objects.all().delete(),
        Action.objects.filter(ref="AO1").delete(),
    ),
    "a name": lambda: Member.objects.filter(handle="ana").update(name="Anna Brun"),
    "a handle": lambda: Member.objects.filter(handle="ana").update(handle="anna"),
    "a founder": lambda: Member.objects.filter(handle="ana").update(founder=True),
    "a membership": lambda: (
        Membership.objects.filter(member__handle="ana").update(left=None)
        and Membership.objects.filter(member__handle="ana").update(joined=small_day())
    ),
    "a member too many": lambda: Member.objects.create(
        id="x", association=Association.objects.get(), handle="x", name="x"
    ),
    "a text": lambda: Text.objects.filter(text__startswith="Ouvrir").update(text="Fermer"),
    "a text that is gone": delete_a_reason,
    "a charter": lambda: CharterVersion.objects.update(rules={"preset": "lazy-consensus"}),
    "a period": lambda: Period.objects.update(name="A21"),
    "a role": lambda: Role.objects.update(last="2021-04-01"),
    "a journal entry": lambda: JournalEntry.objects.update(removed=True),
    "a publication": lambda: Publication.objects.update(sha256="1" * 64),
    "the association's name": lambda: Association.objects.update(name="Les Castors"),
    "the association's short name": lambda: Association.objects.update(slug="castors"),
    "an address": lambda: Member.objects.filter(handle="zoe").update(email="x@courriel.example"),
    "somebody said to be forgotten": lambda: Member.objects.filter(handle="ana").update(
        erased=True
    ),
    "a text that was emptied": lambda: Text.objects.filter(text="Un goûter").update(
        text=None, nonce=None
    ),
    "a nonce that was emptied": lambda: Text.objects.filter(text="Un goûter").update(nonce=None),
    "a text too many": lambda: Text.objects.create(
        commitment="0" * 64, ledger=Ledger.objects.get(), nonce=b"x", text="Un secret"
    ),
    "an operator": lambda: Operator.objects.update(name="eva"),
    "an operator that is gone": lambda: Operator.objects.all().delete(),
    "an operator's text": lambda: Text.objects.filter(text="root").update(text=None, nonce=None),
    "an operator too many": lambda: Operator.objects.create(
        ledger=Ledger.objects.get(), name="eva", commitment="0" * 64
    ),
    "when the last entry was recorded": lambda: Ledger.objects.update(recorded_at=small_day()),
    "how far time was played": lambda: Ledger.objects.update(played_until=small_day()),
    "that it was played at all": lambda: Ledger.objects.update(played_until=None),
    "the length": lambda: Ledger.objects.update(length=3),
    "an imported action": lambda: ImportedAction.objects.create(
        association=Association.objects.get(),
        ref="AO99",
        kind="ordinary",
        number=99,
        object="x",
        date="2021-01-01",
        votes_for=1,
        votes_against=0,
        expressed=1,
    ),
}


@pytest.mark.parametrize("what", TABLES)
def test_tables_that_say_otherwise_are_noticed(small, what):
    TABLES[what]()
    difference(small)


def test_a_text_that_was_erased_and_is_back_is_noticed(small):
    text = Text.objects.get(text="Un goûter")
    commands.erase(small.request(41), [text.commitment])
    verify_association(small.id)
    text.save()
    assert difference(small).seq == Entry.objects.count()


def test_an_entry_filed_under_something_else_is_named(small):
    for row in list(Entry.objects.order_by("seq")):
        Entry.objects.filter(seq=row.seq).update(subject="AE9")
        assert difference(small).seq == row.seq
        Entry.objects.filter(seq=row.seq).update(subject=row.subject)
    verify_association(small.id)


def test_a_due_instant_that_would_be_slept_through_is_noticed(home):
    small = Small()
    verify_association(small.id)
    Ledger.objects.update(due_at=None)
    difference(small)


def test_another_associations_ledger_is_noticed(small):
    def change(entry):
        if entry["seq"] == 1:
            entry["data"]["association"] = "0" * 16

    rewrite(small, change)
    assert difference(small).seq == 1


def test_a_journal_entry_of_nothing_is_named(small):
    told = [body_of(row) for row in Entry.objects.order_by("seq")]
    (added,) = (entry["seq"] for entry in told if entry["kind"] == "journal.added")

    def change(entry):
        if entry["seq"] == added:
            entry["kind"] = "journal.changed"

    rewrite(small, change)
    assert difference(small).seq == added


def in_another_thread(do):
    """Do something over a connection of its own, as another program would."""

    def work():
        try:
            do()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@pytest.mark.parametrize("least", [20_000, 0], ids=["short", "long"])
def test_a_vote_cast_meanwhile_is_no_difference(both_databases, monkeypatch, least):
    small = Small()
    monkeypatch.setattr(checking, "_WORTH_A_PROCESS", least)
    compare, times = verifying.verify, []

    def meanwhile(*args):
        verified = compare(*args)
        times.append(verified.length)
        in_another_thread(
            lambda: commands.vote(small.request(4.5), "AE1", Choice.ABSTAIN, by=small.bob)
        )
        return verified

    monkeypatch.setattr(verifying, "verify", meanwhile)
    verified = verify_association(small.id)
    assert verified.length == times[-1] == Ledger.objects.get().length - 1
    assert len(times) == (1 if least else 2)


# --- what no command ever wrote: SQLite keeps whatever somebody puts there -----------------------

STRANGE = {
    "a body that is a text": """UPDATE ledger_entry SET body=replace(body, 'at', 'ta')""",
    "a body that is no JSON": "UPDATE ledger_entry SET body='{' WHERE seq=8",
    "a body that is a number": "UPDATE ledger_entry SET body=3 WHERE seq=8",
    "a hash that is a number": "UPDATE ledger_entry SET hash=3 WHERE seq=8",
    "a nonce that is a text": "UPDATE ledger_text SET nonce='abc'",
    "a nonce that is a number": "UPDATE ledger_text SET nonce=5",
    "a text that is a blob": "UPDATE ledger_text SET text=x'00'",
    "a length that is a text": "UPDATE ledger_ledger SET length='abc'",
    "a length that is a fraction": "UPDATE ledger_ledger SET length=1.5",
    "a head that is a number": "UPDATE ledger_ledger SET head=3",
    "an instant played until that is a number": "UPDATE ledger_ledger SET played_until=3",
    "an instant recorded that is a text": "UPDATE ledger_ledger SET recorded_at='abc'",
    "no ledger": "DELETE FROM ledger_ledger",
    "no association": "DELETE FROM association_association",
    "settings that are no JSON": "UPDATE association_association SET settings='{'",
    "rules that are no JSON": "UPDATE association_charterversion SET rules='{'",
    "a membership from a number on": "UPDATE association_membership SET joined=3",
    "a day that is a number": "UPDATE association_period SET first=3",
    "a choice that is a blob": "UPDATE actions_vote SET choice=x'00'",
    "a proposal at a number": "UPDATE actions_action SET proposed_at=3",
    "a version at a number": "UPDATE actions_version SET at=3",
}


@pytest.mark.parametrize("least", [20_000, 0], ids=["short", "long"])
@pytest.mark.parametrize("what", STRANGE)
def test_what_no_command_writes_is_a_difference_and_no_fault(small, monkeypatch, what, least):
    monkeypatch.setattr(checking, "_WORTH_A_PROCESS", least)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.execute("PRAGMA ignore_check_constraints=ON")
        cursor.execute(STRANGE[what])
        assert cursor.rowcount
    difference(small)


def test_a_ledger_is_verified_whatever_is_left_of_it(small):
    assert ledgers() == {small.id: "Les Loutres libres"}
    for table, left in (
        ("association_association", {small.id: small.id}),
        ("ledger_ledger", {small.id: small.id}),
        ("ledger_entry", {}),
    ):
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.execute(f"DELETE FROM {table}")
        assert ledgers() == left


def test_an_association_without_a_ledger_is_a_difference(small):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.execute("DELETE FROM ledger_ledger")
        cursor.execute("DELETE FROM ledger_entry")
    assert ledgers() == {small.id: "Les Loutres libres"}
    difference(small)


@pytest.mark.parametrize(
    "told", [lambda at: at[:-1] + "+00:00", lambda at: at[:-8] + "Z", lambda at: at[:-1]]
)
def test_a_vote_at_an_instant_written_otherwise_is_named(small, told):
    votes = [e for e in map(body_of, Entry.objects.order_by("seq")) if e["kind"] == "vote.cast"]

    def change(entry):
        if entry["seq"] == votes[-1]["seq"]:
            entry["at"] = entry["recorded_at"] = told(entry["at"])

    rewrite(small, change)
    assert difference(small).seq == votes[-1]["seq"]


def test_an_instant_at_the_end_of_the_calendar_is_named(small):
    (seq,) = [
        row.seq
        for row in Entry.objects.all()
        if b'"action.proposed"' in row.body and b"AE1" in row.body
    ]

    def change(entry):
        if entry["seq"] >= seq:
            entry["recorded_at"] = "9999-12-31T23:59:59.000000Z"
        if entry["seq"] == seq:
            entry["at"] = entry["recorded_at"]

    rewrite(small, change)
    assert difference(small).seq == seq


# --- bundles -------------------------------------------------------------------------------------


@pytest.fixture
def bundle(small, tmp_path):
    file = tmp_path / "loutres.jsonl"
    ledger = Ledger.objects.get()
    write_bundle(file, ledger.id, ledger.length, ledger.head, book.rows(ledger.id), lambda _: None)
    return file


def test_a_bundle_verifies_without_the_database(bundle, small):
    assert verify_bundle(Bundle(bundle)).head == Ledger.objects.get().head


def test_a_bundle_holds_no_text_and_no_name(bundle):
    written = bundle.read_text("ascii")
    for text in Text.objects.values_list("text", flat=True):
        if len(text) > 3:
            assert text not in written
            assert json.dumps(text)[1:-1] not in written


def is_whole(file):
    try:
        verify_bundle(Bundle(file))
    except (Broken, Refusal):
        return False
    return True


def test_every_flipped_byte_of_a_small_bundle_is_noticed(home, tmp_path):
    small = Small(short=True)
    file = tmp_path / "small.jsonl"
    ledger = Ledger.objects.get(id=small.id)
    write_bundle(file, ledger.id, ledger.length, ledger.head, book.rows(ledger.id), lambda _: None)
    whole = file.read_bytes()
    assert is_whole(file)
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        file.write_bytes(bytes(flipped))
        assert not is_whole(file), place


@pytest.mark.parametrize("least", [20_000, 0], ids=["short", "long"])
@pytest.mark.parametrize("what", [*FORGED, "a key that its kind does not have"])
def test_an_entry_of_another_form_is_noticed_in_a_bundle(bundle, monkeypatch, what, least):
    monkeypatch.setattr(checking, "_WORTH_A_PROCESS", least)
    whole = bundle.read_bytes()
    bundle.write_bytes(forged(whole, -1, canonical))
    assert is_whole(bundle)
    last = whole.count(b"\n") - 2
    for which in (0, 4, last):
        bundle.write_bytes(forged(whole, which, FORGED.get(what, extra_in_data)))
        with pytest.raises(Broken) as caught:
            verify_bundle(Bundle(bundle))
        assert caught.value.seq == which + 1


def test_a_bundle_cut_anywhere_is_noticed(bundle):
    whole = bundle.read_bytes()
    lines = whole.splitlines(keepends=True)
    for count in range(len(lines)):
        bundle.write_bytes(b"".join(lines[:count]))
        assert not is_whole(bundle)
    for cut in (1, 2, 70, 100):
        bundle.write_bytes(whole[:-cut])
        assert not is_whole(bundle)


def test_lines_swapped_doubled_or_added_in_a_bundle_are_noticed(bundle):
    lines = bundle.read_bytes().splitlines(keepends=True)
    for index in range(1, len(lines) - 1):
        swapped = [*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :]]
        doubled = [*lines[: index + 1], *lines[index:]]
        for changed in (swapped, doubled, [*lines, lines[-1]], [*lines, b"\n"]):
            bundle.write_bytes(b"".join(changed))
            assert not is_whole(bundle)


def test_a_long_chain_is_checked_by_another_process_alike(small, bundle, monkeypatch):
    monkeypatch.setattr(checking, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(checking, "_AT_ONCE", 3)
    assert verify_bundle(Bundle(bundle)).length == verify_association(small.id).length
    row = Entry.objects.order_by("seq")[5]
    Entry.objects.filter(seq=row.seq).update(hash="0" * 64)
    assert difference(small).seq == row.seq


def test_an_operator_in_clear_is_noticed_in_a_long_chain_too(small, monkeypatch):
    monkeypatch.setattr(checking, "_WORTH_A_PROCESS", 0)
    votes = [e for e in map(body_of, Entry.objects.order_by("seq")) if e["kind"] == "vote.cast"]

    def change(entry):
        if entry["seq"] == votes[-1]["seq"]:
            entry["operator"] = "root"

    rewrite(small, change)
    assert difference(small).seq == votes[-1]["seq"]


def test_an_entry_filed_under_something_else_is_named_in_a_long_chain_too(small, monkeypatch):
    monkeypatch.setattr(checking, "_WORTH_A_PROCESS", 0)
    for row in list(Entry.objects.order_by("seq"))[3::4]:
        Entry.objects.filter(seq=row.seq).update(subject="AE9")
        assert difference(small).seq == row.seq
        Entry.objects.filter(seq=row.seq).update(subject=row.subject)
