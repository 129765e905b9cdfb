"""The chain: what is written is canonical, and whatever is changed in it is noticed."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from toutdoux.core.chain import START, Broken, Checked, canonical, commitment, digest, stamp

keys = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)
values = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=20) | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=6))
def test_entries_are_written_as_rfc_8785_says(entry):
    assert canonical(entry) == rfc8785.dumps(entry)


@given(st.datetimes(datetime(1000, 1, 2), datetime(8999, 1, 1)), st.integers(-14, 14))
def test_instants_are_kept_in_utc_and_sort_as_text(naive, hours):
    instant = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    text = stamp(instant)
    assert datetime.fromisoformat(text) == instant
    assert text.endswith("Z")
    assert len(text) == 27
    assert (stamp(instant + timedelta(microseconds=1)) > text) is True


def test_a_commitment_is_the_hash_of_the_nonce_and_the_text():
    assert commitment(b"\1" * 32, "été") == sha256(b"\1" * 32 + "été".encode()).hexdigest()
    assert commitment(b"\1" * 32, "été") != commitment(b"\0" * 32, "été")


def chain(length=4):
    rows, prev = [], START
    for seq in range(1, length + 1):
        told = stamp(datetime(2021, 3, seq, tzinfo=UTC))
        body = canonical({"seq": seq, "prev": prev, "recorded_at": told, "kind": "x", "data": {}})
        prev = digest(body)
        rows.append((seq, body, prev))
    return rows


def broken_at(rows):
    try:
        list(Checked(rows))
    except Broken as broken:
        return broken.seq
    return None


def test_a_whole_chain_is_found_whole():
    checked = Checked(chain())
    assert [entry["seq"] for entry in checked] == [1, 2, 3, 4]
    assert (checked.length, checked.head) == (4, chain()[-1][2])


def test_an_empty_chain_is_found_whole():
    checked = Checked([])
    assert list(checked) == []
    assert (checked.length, checked.head) == (0, START)


def test_every_flipped_bit_of_every_byte_is_noticed_at_its_entry():
    rows = chain()
    for index, (seq, body, hash) in enumerate(rows):
        for place in range(len(body)):
            for bit in range(8):
                flipped = bytearray(body)
                flipped[place] ^= 1 << bit
                assert (
                    broken_at([*rows[:index], (seq, bytes(flipped), hash), *rows[index + 1 :]])
                    == seq
                )
        for place in range(len(hash)):
            other = hash[:place] + ("0" if hash[place] != "0" else "1") + hash[place + 1 :]
            assert broken_at([*rows[:index], (seq, body, other), *rows[index + 1 :]]) == seq


def test_a_deleted_entry_is_noticed():
    rows = chain()
    for index in range(len(rows) - 1):
        assert broken_at(rows[:index] + rows[index + 1 :]) == index + 1


def test_a_deleted_entry_is_noticed_even_if_the_others_are_numbered_anew():
    rows = chain()
    for index in range(len(rows) - 1):
        left = rows[:index] + rows[index + 1 :]
        renumbered = [(seq, body, hash) for seq, (_, body, hash) in enumerate(left, 1)]
        assert broken_at(renumbered) == index + 1


def test_swapped_entries_are_noticed():
    rows = chain()
    for index in range(len(rows) - 1):
        one, other = rows[index], rows[index + 1]
        swapped = [*rows[:index], (one[0], *other[1:]), (other[0], *one[1:]), *rows[index + 2 :]]
        assert broken_at(swapped) == index + 1


def test_an_inserted_entry_is_noticed():
    rows = chain()
    for index in range(1, len(rows)):
        more = (index + 1, rows[index - 1][1], rows[index - 1][2])
        after = [(seq + 1, body, hash) for seq, body, hash in rows[index:]]
        assert broken_at([*rows[:index], more, *after]) == index + 1


def test_an_entry_written_anew_with_its_hash_is_noticed_at_the_next():
    rows = chain()
    told = json.loads(rows[1][1])
    told["data"] = {"changed": 1}
    body = canonical(told)
    assert broken_at([rows[0], (2, body, digest(body)), *rows[2:]]) == 3


def test_an_entry_recorded_before_the_one_before_it_is_noticed():
    rows = chain(2)
    told = json.loads(rows[1][1])
    told["recorded_at"] = stamp(datetime(2021, 2, 1, tzinfo=UTC))
    body = canonical(told)
    assert broken_at([rows[0], (2, body, digest(body))]) == 2


@pytest.mark.parametrize("body", ['{"seq":1}', 3, 1.5, None])
def test_what_is_not_even_bytes_is_noticed(body):
    assert broken_at([chain()[0], (2, body, "0" * 64)]) == 2


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff", b'{"seq":1}', b"1" * 5000])
def test_what_is_no_entry_is_noticed(body):
    assert broken_at([(1, body, digest(body))]) == 1
