"""Reading entries: what no command would have written is refused, whatever its hash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from toutdoux.core.chain import FORMAT, canonical, digest, stamp
from toutdoux.core.charter import read_charter
from toutdoux.core.entries import (
    Record,
    Subjects,
    brief,
    charter_data,
    course_data,
    draft_of_imported,
)
from toutdoux.core.verification import Broken, verify
from toutdoux.core.words import Refusal

BEGIN = datetime(2021, 3, 1, 9, tzinfo=UTC)
_numbers = iter(range(10**9))


def a(kind, data=None, texts=(), at=0.0, recorded=None, **more):
    """An entry without its place in a chain; days from the beginning."""
    body = {
        "at": stamp(BEGIN + timedelta(days=at)),
        "recorded_at": stamp(BEGIN + timedelta(days=at if recorded is None else recorded)),
        "kind": kind,
        "via": "cli",
        "data": {**(data or {})},
        **more,
    }
    if texts:
        body["data"]["texts"] = {name: digest(str(next(_numbers)).encode()) for name in texts}
    return body


def founding():
    charter = dict(charter_data(read_charter("tout-doux-cratie")))
    data = {"format": FORMAT, "association": "a", "charter": charter}
    return a(
        "association.founded",
        {**data, "time_zone": "Europe/Paris", "language": "fr"},
        ("name", "slug"),
        at=-1,
    )


def joined(member, at=-50.0, recorded=0.0, **data):
    return a("member.joined", {"member": member, **data}, ("name", "handle"), at, recorded)


def proposed(ref, at=1.0, recorded=None):
    return a("action.proposed", {"action": ref}, ("object",), at, recorded, by="ana")


def imported(ref, at=1.0):
    data = {"action": ref, "date": "2020-01-01", "for": 2, "against": 0, "expressed": 2}
    return a("action.imported", data, ("object",), at)


def lived(*votes, at=20.0, **data):
    """An action that was voted on by hand in a chat."""
    told = {
        "proposed_at": stamp(BEGIN + timedelta(days=1)),
        "state": "adopted",
        "how": "unopposed",
        "decided_at": stamp(BEGIN + timedelta(days=8)),
        "votes": [
            {"by": by, "choice": "for", "at": stamp(BEGIN + timedelta(days=day))}
            for by, day in votes
        ],
    }
    entry = imported("AE1", at)
    entry["data"] |= {**told, **data}
    return entry


def adopted(ref="AE1", at=8.0, recorded=9.0, **data):
    told = {"action": ref, "how": "unopposed", "roll": 2, "for": 0, "against": 0, "abstain": 0}
    return a("action.adopted", {**told, **data}, (), at, recorded)


def left(at, recorded=None):
    return a("member.left", {"member": "bob"}, (), at, recorded)


def role(**data):
    return a("role.given", {"role": "r", "member": "ana", "first": "2021-03-01", **data}, ("role",))


def period(kind="added", **data):
    days = {"period": "p", "first": "2021-02-01", "last": "2021-07-18"}
    return a(f"period.{kind}", {**days, **data}, ("name",) if kind == "added" else ())


def journal(kind="added", texts=("content",), **data):
    return a(f"journal.{kind}", {"entry": "e", **data}, texts)


TOLD = [joined("ana"), joined("bob")]

REFUSED = {
    "a reference that was proposed": [proposed("AE1"), proposed("AE1", 2)],
    "a reference told for an earlier instant": [proposed("AE1"), proposed("AE1", 0.5, 2)],
    "a reference that was imported": [imported("AE1"), proposed("AE1", 2)],
    "an import of what was proposed": [proposed("AE1"), imported("AE1", 2)],
    "an import told twice": [imported("AE1"), imported("AE1", 2)],
    "a decision at its own instant": [proposed("AE1"), adopted(at=8, recorded=8)],
    "a decision before its instant": [proposed("AE1"), adopted(at=8, recorded=7)],
    "a second decision": [proposed("AE1"), adopted(), adopted(recorded=10)],
    "a decision of what was never proposed": [adopted()],
    "somebody who is there already": [joined("bob", at=-20)],
    "somebody taken in by nobody": [{**joined("eva"), "by": "zoe"}],
    "a name given by nobody": [
        a("member.renamed", {"member": "ana"}, ("name",), by="zoe"),
    ],
    "a departure told by nobody": [{**left(-5, 1), "by": "zoe"}],
    "an import with other votes than its figures": [lived(("ana", 2))],
    "an import with two votes of one member": [lived(("ana", 2), ("ana", 3))],
    "an import with a vote of nobody": [lived(("ana", 2), ("zoe", 3))],
    "an import with a vote before it was proposed": [lived(("ana", 2), ("bob", 0.5))],
    "an import with a vote that is to come": [lived(("ana", 2), ("bob", 21))],
    "an import of what is still open": [lived(("ana", 2), ("bob", 3), state="open")],
    "an import of what is decided later": [
        lived(("ana", 2), ("bob", 3), decided_at="2999-01-01T00:00:00.000000Z")
    ],
    "an import decided in no known way": [lived(("ana", 2), ("bob", 3), how="somehow")],
    "an import with half of how it went": [
        a("action.imported", {**imported("AE1")["data"], "state": "adopted"}, ("object",), 20)
    ],
    "an import by nobody": [{**imported("AE1"), "by": "zoe"}],
    "a role given by nobody": [{**role(), "by": "zoe"}],
    "a period added by nobody": [{**period(), "by": "zoe"}],
    "a journal entry by nobody": [{**journal(number=1), "by": "zoe"}],
    "a founder after the first action": [proposed("AE1"), joined("eva", recorded=2, founder=1)],
    "somebody who leaves after they left": [left(-5, 1), left(-4, 2)],
    "somebody who leaves at the instant at which they had left": [left(2), left(3, 2)],
    "somebody who returns while a member": [a("member.returned", {"member": "bob"}, (), 2)],
    "somebody unknown who leaves": [a("member.left", {"member": "zoe"}, (), 2)],
    "somebody unknown who returns": [a("member.returned", {"member": "zoe"}, (), 2)],
    "somebody unknown with another name": [a("member.renamed", {"member": "zoe"}, ("name",))],
    "a role given to nobody": [role(member="zoe")],
    "a role given twice": [role(), role()],
    "a role that ends before it begins": [role(last="2021-02-01")],
    "an invitation of nobody": [a("member.invited", {"member": "zoe"})],
    "an invitation by nobody": [a("member.invited", {"member": "bob"}, by="zoe")],
    "an invitation of somebody who left": [left(-5, 1), a("member.invited", {"member": "bob"})],
    "an account made for nobody": [a("account.claimed", {"member": "zoe"}, by="zoe")],
    "an account made by somebody else": [a("account.claimed", {"member": "bob"}, by="ana")],
    "an account that nobody made": [a("account.claimed", {"member": "bob"})],
    "an account of somebody who left": [
        left(-5, 1),
        a("account.claimed", {"member": "bob"}, by="bob"),
    ],
    "the end of nobody's account": [a("account.closed", {"member": "zoe"})],
    "an unknown kind of account": [a("account.dreamt", {"member": "bob"})],
    "settings that are none": [a("settings.changed")],
    "a switch that is neither on nor off": [
        a("settings.changed", {"switches": {"public_charter": 2}})
    ],
    "a text in clear among the settings": [
        a("settings.changed", {"texts": {"contact": "ana@example.org"}})
    ],
    "the end of an unknown role": [a("role.ended", {"role": "r", "last": "2021-04-01"})],
    "a period added twice": [period(), period()],
    "a change of an unknown period": [period("changed")],
    "the removal of an unknown period": [period("removed")],
    "a period removed twice": [period(), period("removed"), period("removed")],
    "a journal entry out of turn": [journal(number=2)],
    "a change of an unknown journal entry": [journal("changed")],
    "a change of what was taken out": [
        journal(number=1),
        journal("removed", ()),
        journal("changed"),
    ],
    "a journal entry without content": [journal(texts=(), number=1)],
    "words for no period": [a("report.worded", {}, ("content",))],
    "a right from nowhere": [a("right.granted", {"member": "bob"})],
    "the erasure of what nobody wrote": [a("texts.erased", {"commitments": ["0" * 64]})],
    "the erasure of a member who is one": [a("texts.erased", {"commitments": [], "member": "ana"})],
    "a text in clear": [
        a("action.proposed", {"action": "AE1", "texts": {"object": "Un goûter"}}, by="ana")
    ],
    "capitals in a commitment": [
        a("member.renamed", {"member": "ana", "texts": {"name": "A" * 64}})
    ],
    "an operator in clear": [{**proposed("AE1"), "operator": "root"}],
    "an event before it was": [a("member.renamed", {"member": "ana"}, ("name",), 2, 1)],
    "an instant written otherwise": [{**proposed("AE1"), "at": "2021-03-02T09:00:00Z"}],
    "an unknown kind": [a("member.dreamt", {"member": "ana"})],
    "an unknown kind of journal entry": [journal(number=1), journal("dreamt")],
    "a kind that is none": [{**proposed("AE1"), "kind": ["x"]}],
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_command_writes_is_refused(what):
    record = Record()
    *before, last = numbered([founding(), *TOLD, *REFUSED[what]])
    for entry in before:
        record.add(entry)
    with pytest.raises(Refusal):
        record.add(last)


def numbered(entries):
    return [{**entry, "seq": seq} for seq, entry in enumerate(entries, 1)]


def chained(entries):
    """Somebody who forges entries gets every hash right."""
    prev, rows = "0" * 64, []
    for entry in numbered(entries):
        body = canonical({**entry, "prev": prev})
        prev = digest(body)
        rows.append((entry["seq"], body, prev))
    return rows


@pytest.mark.parametrize("what", REFUSED)
def test_a_verifier_names_the_entry_that_no_command_writes(what):
    rows = chained([founding(), *TOLD, *REFUSED[what]])
    with pytest.raises(Broken) as caught:
        verify(lambda: iter(rows))
    assert caught.value.seq == len(rows)


def test_how_an_imported_vote_went_is_read_back():
    record = Record()
    entry = lived(("ana", 2), ("bob", 3))
    for one in numbered([founding(), *TOLD, entry]):
        record.add(one)
    course = record.imported["AE1"].course
    assert course_data(course).items() <= entry["data"].items()


def test_an_import_from_a_table_says_nothing_of_how_it_went():
    record = Record()
    for one in numbered([founding(), imported("AE1")]):
        record.add(one)
    assert record.imported["AE1"].course is None
    entry = imported("AE1")
    told = draft_of_imported(record.imported["AE1"]).data
    assert told == {key: one for key, one in entry["data"].items() if key != "texts"}


def test_what_commands_write_is_taken():
    content = journal(number=1)
    told = [
        founding(),
        joined("eva", founder=1),
        *TOLD,
        left(30, 1),  # still to come, and then another day
        left(2),
        a("member.returned", {"member": "bob"}, (), 3),
        a("member.invited", {"member": "bob"}, (), 4, by="ana"),
        a("account.claimed", {"member": "bob"}, (), 4, by="bob"),
        a("account.closed", {"member": "bob"}, (), 4, by="ana"),
        role(),
        a("role.ended", {"role": "r", "last": "2021-03-01"}),
        period(),
        period("changed"),
        period("removed"),
        content,
        journal("changed"),
        journal("removed", ()),
        a("texts.erased", {"commitments": [content["data"]["texts"]["content"]]}),
        a("right.granted", {"member": "bob"}, via="import"),
    ]
    record = Record()
    for entry in numbered(told):
        record.add(entry)
    assert len(record.people["bob"].memberships) == 2
    assert record.erased.keys() < record.commitments.keys()


def test_what_an_operator_committed_to_may_be_erased():
    record = Record()
    by_root = {**joined("ana"), "operator": "1" * 64}
    for entry in numbered([founding(), by_root, a("texts.erased", {"commitments": ["1" * 64]})]):
        record.add(entry)
    assert record.erased == {"1" * 64: 3}


def test_every_entry_is_about_something():
    subjects = Subjects()
    told = [
        (founding(), ""),
        (joined("ana"), "ana"),
        (proposed("AE1"), "AE1"),
        (role(), "ana"),
        (a("role.ended", {"role": "r", "last": "2021-04-01"}), "ana"),
        (a("account.closed", {"member": "ana"}), "ana"),
        (period(), ""),
        (journal(number=3), "J3"),
        (journal("changed"), "J3"),
        (journal("removed", ()), "J3"),
        (a("texts.erased", {"commitments": []}), ""),
        (a("texts.erased", {"commitments": [], "member": "ana"}), "ana"),
    ]
    assert [subjects.of(entry) for entry, _ in told] == [about for _, about in told]


def test_a_vote_that_says_more_is_not_told_in_brief():
    data = {"action": "AE1", "ballot": "action", "choice": "for"}
    assert brief({**a("vote.cast", data, by="ana"), "seq": 3}) is not None
    more = {**data, "texts": {"reason": "Oui !"}}
    assert brief({**a("vote.cast", more, by="ana"), "seq": 3}) is None
