"""Backups: everything in one file, and everything back from it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import COMMAND, ENGLISH, assert_one_sentence, environment, run

from .small import Small, assert_whole, tables

NOW = datetime(2021, 6, 1, tzinfo=UTC)


@pytest.fixture
def media(home: Path) -> Iterator[Path]:
    """The folder of uploaded and published files."""
    from django.test import override_settings

    folder = home / "files"
    with override_settings(MEDIA_ROOT=folder):
        yield folder


def load(path: Path, keep: Path | None = None, progress: Any = lambda done, total: None) -> None:
    from toutdoux.ledger.backup import opened

    with opened(path) as found:
        found.load(keep and (keep, NOW), progress)


def save(path: Path, progress: Any = lambda done, total: None) -> Path:
    from toutdoux.ledger import backup

    backup.save(path, NOW, progress)
    return path


def altered(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of a backup whose members were changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    other = path.with_name(f"altered-{path.name}")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return other


def with_manifest(path: Path, **told: Any) -> Path:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | told).encode()

    return altered(path, change)


# --- there and back ------------------------------------------------------------------------------


def test_what_is_restored_is_what_was_kept(both_databases: Path, tmp_path: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    sign_up(small.ana)
    before = tables()
    path = save(tmp_path / "a.toutdoux")
    c.add_member(small.request(30), "Max Moreau")
    assert tables() != before
    load(path, tmp_path / "kept.toutdoux")
    assert tables() == before
    assert all(before[name] for name in before if name.startswith(LEDGERED) and name not in EMPTY)
    assert before["web.account"]
    assert before["web.comment"]


def sign_up(member: str) -> None:
    """Give a member an account, with which they say something, and another in a chat, with which
    they vote, and a certificate."""
    from toutdoux.actions.models import Carried, ReadChat
    from toutdoux.association.models import Member
    from toutdoux.capsule.models import ClientCertificate
    from toutdoux.chat.models import Account as ChatAccount
    from toutdoux.chat.models import Handled, Post
    from toutdoux.web.models import Account, Comment, Seat

    now = datetime(2026, 11, 1, tzinfo=UTC)
    of = {"association": Member.objects.get(pk=member).association, "server": "memory here"}
    ClientCertificate.objects.create(
        association=of["association"], member_id=member, fingerprint="a" * 64, since=now
    )
    chat = ReadChat.objects.create(**of, channel="place", until=now)
    Carried.objects.create(chat=chat, action="AE1")
    ChatAccount.objects.create(**of, person="ana", member_id=member)
    of |= {"channel": "place", "action": "AE1", "ballot": "action"}
    first = Post.objects.create(**of, message="m1")
    Post.objects.create(**of, message="m2", of=first)
    Handled.objects.create(post=first, person="ana", choice="for", at=now, member=member)
    account = Account.objects.create_user("ana@example.org", "motdepasse-long", created=now)
    seat = Seat.objects.create(account=account, member_id=member, since=now)
    Comment.objects.create(
        association=seat.member.association,
        action="AE1",
        member_id=member,
        text="Bonne idée",
        at=now,
        key="once",
    )


LEDGERED = ("ledger.", "association.", "actions.", "journal.")
EMPTY = ("actions.importedaction", "journal.reportwords", "ledger.said")


@pytest.mark.slow
def test_a_backup_goes_from_sqlite_to_postgresql_and_back(
    home: Path, postgres_url: str, tmp_path: Path
) -> None:
    small = Small()
    before = tables()
    here = {**ENGLISH, "TOUTDOUX_HOME": str(tmp_path / "there"), "DATABASE_URL": postgres_url}
    first, second = save(tmp_path / "first.toutdoux"), tmp_path / "second.toutdoux"
    done = run("restore", first, env=here)
    assert done.returncode == 0, done.stderr
    assert run("backup", second, env=here).returncode == 0
    load(second, tmp_path / "kept.toutdoux")
    assert tables() == before
    assert_whole(small.id)


@pytest.mark.slow
def test_life_goes_on_in_postgresql_after_a_restore(postgres_home: Path, tmp_path: Path) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.core import history as h

    small = Small()
    load(save(tmp_path / "a.toutdoux"), tmp_path / "kept.toutdoux")
    c.vote(small.request(1.4), "AE1", h.Choice.ABSTAIN, by=small.bob)
    c.add_member(small.request(30), "Max Moreau")
    assert_whole(small.id)


def test_the_files_go_along(home: Path, media: Path, tmp_path: Path) -> None:
    Small()
    (media / "P21").mkdir(parents=True)
    (media / "P21" / "bilan moral.pdf").write_bytes(b"%PDF")
    path = save(tmp_path / "a.toutdoux")
    (media / "P21" / "bilan moral.pdf").write_bytes(b"other")
    (media / "new.txt").write_text("new")
    load(path, tmp_path / "kept.toutdoux")
    files = {file.relative_to(media).as_posix(): file.read_bytes() for file in _files(media)}
    assert files == {"P21/bilan moral.pdf": b"%PDF"}


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.fixture
def capsule(home: Path) -> Path:
    """A home with a capsule: its setup, its certificate, a page of its own, what it reads."""
    from toutdoux.capsule import hosts
    from toutdoux.capsule.fediverse import setup as fediverse

    Small()
    setup = hosts.with_hosts(hosts.read_setup(), "loutres", ["gemini.loutres.example"])
    hosts.keep(setup)
    (one,) = setup.capsules
    one.keys.at_start(one.hosts, NOW)
    (one.folder / "notes").mkdir(parents=True)
    (one.folder / "notes" / "été.gmi").write_text("# L’été\n")
    told = {"instances": ["social.example"], "tokens": {"social.example": "secret-of-theirs"}}
    fediverse.keep("loutres", told)
    return home


def of_capsule(home: Path) -> dict[str, bytes]:
    from toutdoux.config.home import CARRIED

    found = [file for name in CARRIED for file in (home / name, *(home / name).rglob("*"))]
    return {one.relative_to(home).as_posix(): one.read_bytes() for one in found if one.is_file()}


def test_the_capsule_goes_along_to_another_machine(capsule: Path, tmp_path: Path) -> None:
    before = of_capsule(capsule)
    assert sorted(before) == [
        "capsule.json",
        "capsule/loutres/notes/été.gmi",
        "certificates/loutres.pem",
        "fediverse.json",
    ]
    there = tmp_path / "there"
    path = save(tmp_path / "a.toutdoux")
    done = run("restore", path, env={**ENGLISH, "TOUTDOUX_HOME": str(there)})
    assert done.returncode == 0, done.stderr
    assert of_capsule(there) == before


@pytest.mark.parametrize("name", ["certificates/loutres.pem", "fediverse.json"])
def test_secrets_that_come_back_are_their_owners_alone(
    capsule: Path, tmp_path: Path, name: str
) -> None:
    path = save(tmp_path / "a.toutdoux")
    (capsule / name).unlink()
    load(path, tmp_path / "kept.toutdoux")
    assert stat.S_IMODE((capsule / name).stat().st_mode) == 0o600


def test_pages_of_ones_own_that_the_backup_does_not_hold_go(capsule: Path, tmp_path: Path) -> None:
    path = save(tmp_path / "a.toutdoux")
    before = of_capsule(capsule)
    (capsule / "capsule" / "loutres" / "later.gmi").write_text("# Later\n")
    load(path, tmp_path / "kept.toutdoux")
    assert of_capsule(capsule) == before


def test_a_backup_of_before_the_capsule_leaves_it_as_it_is(home: Path, tmp_path: Path) -> None:
    Small()
    path = save(tmp_path / "a.toutdoux")
    _keys(home).at_start(["gemini.loutres.example"], NOW)
    (home / "capsule" / "loutres").mkdir(parents=True)
    (home / "capsule" / "loutres" / "index.gmi").write_text("# Loutres\n")
    before = of_capsule(home)
    load(path, tmp_path / "kept.toutdoux")
    assert of_capsule(home) == before


def test_a_certificate_that_another_takes_the_place_of_is_kept_and_told_of(
    capsule: Path, tmp_path: Path
) -> None:
    file = capsule / "certificates" / "loutres.pem"
    of_backup = file.read_bytes()
    path = save(tmp_path / "a.toutdoux")
    file.unlink()
    one = _keys(capsule).at_start(["gemini.loutres.example"], NOW)
    done = run("restore", path, "--replace", env={**ENGLISH})
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == of_backup
    (kept,) = file.parent.glob("loutres.before-*.pem")
    assert kept.read_bytes() == one.pem
    assert str(kept) in done.stdout


def _keys(home: Path) -> Any:
    from toutdoux.capsule.certificate import Keys

    return Keys(home / "certificates", "loutres")


def test_what_is_hidden_or_linked_is_not_the_capsules(capsule: Path, tmp_path: Path) -> None:
    own = capsule / "capsule" / "loutres"
    before = of_capsule(capsule)
    (own / ".git").mkdir()
    (own / ".git" / "config").write_text("mine")
    (own / "out").symlink_to(tmp_path)
    path = save(tmp_path / "a.toutdoux")
    with zipfile.ZipFile(path) as archive:
        held = {name for name in archive.namelist() if name.startswith("home/")}
    assert held == {f"home/{name}" for name in before}
    load(path, tmp_path / "kept.toutdoux")
    assert (own / ".git" / "config").read_text() == "mine"


def test_a_row_that_time_made_odd_comes_back_as_it_was(home: Path, tmp_path: Path) -> None:
    from toutdoux.actions.models import Action
    from toutdoux.ledger.models import Said, Text

    small = Small()
    Action.objects.update(effects=[{"amend_charter": {"π": [1, None, "\u2028"]}}], decision=None)
    Text.objects.filter(text="Un goûter").update(text='Un "goûter"\n\u0000\x1f🦦\\', nonce=None)
    Said.objects.create(ledger_id=small.id, key="clé", answer="")
    before = tables()
    load(save(tmp_path / "a.toutdoux"), tmp_path / "kept.toutdoux")
    assert tables() == before


# --- while the program runs ----------------------------------------------------------------------


def test_a_backup_is_of_one_moment_and_holds_up_nobody(
    both_databases: Path, tmp_path: Path
) -> None:
    Small()
    before = tables()
    added = []

    def meanwhile(done: int, total: int) -> None:
        if not added:
            added.append(run("member", "add", "Max Moreau", env={**ENGLISH}, timeout=15))

    path = save(tmp_path / "a.toutdoux", meanwhile)
    assert added[0].returncode == 0, added[0].stderr
    assert tables() != before
    load(path, tmp_path / "kept.toutdoux")
    assert tables() == before


def test_only_its_owner_may_read_a_backup(home: Path, tmp_path: Path) -> None:
    path = save(tmp_path / "a.toutdoux")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_backup_that_was_interrupted_leaves_nothing(home: Path, tmp_path: Path) -> None:
    Small()
    folder = tmp_path / "backups"

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(folder / "a.toutdoux", stop)
    assert list(folder.iterdir()) == []


def test_a_restore_that_was_interrupted_changes_nothing(
    both_databases: Path, tmp_path: Path
) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    path = save(tmp_path / "a.toutdoux")
    c.add_member(small.request(30), "Max Moreau")
    before = tables()

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(path, tmp_path / "kept.toutdoux", stop)
    assert tables() == before


def test_a_restore_that_is_killed_leaves_one_or_the_other(
    both_databases: Path, tmp_path: Path
) -> None:
    from django.db import connection

    from toutdoux.actions import commands as c

    small = Small()
    after = tables()
    path = save(tmp_path / "a.toutdoux")
    c.add_member(small.request(30), "Max Moreau")
    before = tables()
    connection.close()
    for delay in (0.45, 0.55, 0.65, 0.75, 0.9):
        restoring = subprocess.Popen(
            [*COMMAND, "restore", path, "--replace"],
            env=environment(**ENGLISH),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay)
        restoring.kill()
        restoring.wait()
        assert tables() in (before, after)
        connection.close()


# --- what is there already -----------------------------------------------------------------------


def test_a_database_that_holds_an_association_is_not_replaced_unasked(
    both_databases: Path, tmp_path: Path
) -> None:
    from toutdoux.core.words import Refusal

    Small()
    before = tables()
    path = save(tmp_path / "a.toutdoux")
    with pytest.raises(Refusal, match="an association here already"):
        load(path)
    assert tables() == before


@pytest.mark.slow
def test_what_is_replaced_is_kept_first(home: Path, tmp_path: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    path, kept = save(tmp_path / "a.toutdoux"), tmp_path / "kept.toutdoux"
    c.add_member(small.request(30), "Max Moreau")
    before = tables()
    load(path, kept)
    assert tables() != before
    load(kept, tmp_path / "again.toutdoux")
    assert tables() == before


# --- files that are not what they should be ------------------------------------------------------


@pytest.mark.slow
def test_every_flipped_byte_is_noticed_or_means_nothing(home: Path, tmp_path: Path) -> None:
    from toutdoux.core.words import Refusal
    from toutdoux.ledger.backup import opened

    Small()
    whole = save(tmp_path / "a.toutdoux").read_bytes()
    with opened(tmp_path / "a.toutdoux") as found:
        manifest = found.manifest
    damaged = tmp_path / "damaged.toutdoux"
    noticed = 0
    places = range(0, len(whole), 13)
    for place in places:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            with opened(damaged) as found:
                # A date or a flag of the zip; all members are those of the manifest.
                assert found.manifest == manifest
        except Refusal:
            noticed += 1
    assert noticed > len(places) / 2


def test_a_backup_cut_short_is_refused(home: Path, tmp_path: Path) -> None:
    from toutdoux.core.words import Refusal
    from toutdoux.ledger.backup import opened

    Small()
    whole = save(tmp_path / "a.toutdoux").read_bytes()
    cut = tmp_path / "cut.toutdoux"
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(Refusal), opened(cut):
            pass


def test_a_backup_with_a_row_too_few_is_refused(home: Path, tmp_path: Path) -> None:
    import hashlib

    from toutdoux.core.words import Refusal
    from toutdoux.ledger.backup import opened

    Small()
    name = "tables/association.member.jsonl"

    def change(members: dict[str, bytes]) -> None:
        members[name] = b"".join(members[name].splitlines(keepends=True)[1:])
        manifest = json.loads(members["manifest.json"])
        manifest["sha256"][name] = hashlib.sha256(members[name]).hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()

    path = altered(save(tmp_path / "a.toutdoux"), change)
    with pytest.raises(Refusal, match="damaged, at"), opened(path):
        pass


@pytest.mark.parametrize(
    "name",
    [
        "files/../../evil",
        "/etc/evil",
        "files/a/../b",
        "other",
        "files/",
        "home/secret-key",
        "home/capsule/../secret-key",
        "home/capsule/.hidden",
        "home",
    ],
)
def test_a_file_that_would_go_elsewhere_is_refused(home: Path, tmp_path: Path, name: str) -> None:
    from toutdoux.core.words import Refusal
    from toutdoux.ledger.backup import opened

    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        manifest["sha256"][name] = (
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
        members["manifest.json"] = json.dumps(manifest).encode()
        members[name] = b""

    path = altered(save(tmp_path / "a.toutdoux"), change)
    with pytest.raises(Refusal), opened(path):
        pass


def test_a_backup_whose_ledger_was_tampered_with_is_refused(
    both_databases: Path, tmp_path: Path
) -> None:
    from django.db import connection

    from toutdoux.core.words import Refusal

    Small()
    path = save(tmp_path / "good.toutdoux")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET body = %s WHERE seq = 3", [b"{}"])
    bad = save(tmp_path / "bad.toutdoux")
    load(path, tmp_path / "kept.toutdoux")
    before = tables()
    with pytest.raises(Refusal, match="of the ledger"):
        load(bad, tmp_path / "kept-too.toutdoux")
    assert tables() == before


def test_the_command_says_in_one_sentence_what_is_wrong_with_a_file(
    home: Path, tmp_path: Path
) -> None:
    Small()
    before = tables()
    good = save(tmp_path / "a.toutdoux")
    text = tmp_path / "text.toutdoux"
    text.write_text("Bonjour")
    newer = with_manifest(good, migrations=[["ledger", "9999_later"]])
    assert_one_sentence(run("restore", "--replace", text), "text.toutdoux", "no backup of toutdoux")
    assert_one_sentence(run("restore", "--replace", newer), "made by a newer toutdoux")
    assert_one_sentence(run("restore", "--replace", tmp_path / "no"), "it does not exist")
    assert_one_sentence(run("restore", good), "an association here already", "--replace")
    assert tables() == before


def test_a_damaged_backup_makes_no_database(tmp_path: Path) -> None:
    text = tmp_path / "text.toutdoux"
    text.write_text("Bonjour")
    home = tmp_path / "home"
    done = run("restore", text, env={**ENGLISH, "TOUTDOUX_HOME": str(home)})
    assert_one_sentence(done, "no backup of toutdoux")
    assert list(home.iterdir()) == []


def test_a_backup_takes_the_place_of_no_other_file(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "letter.odt"
    other.write_text("Chère Ana")
    assert_one_sentence(run("backup", other), "letter.odt", "something else of this name")
    assert other.read_text() == "Chère Ana"
    kept = save(tmp_path / "a.toutdoux")
    assert run("backup", kept).returncode == 0


def test_without_a_name_a_backup_goes_to_the_folder_of_backups(home: Path) -> None:
    done = run("backup")
    assert done.returncode == 0, done.stderr
    (made,) = (home / "backups").iterdir()
    assert made.suffix == ".toutdoux"
    assert str(made) in done.stdout


@pytest.mark.slow
def test_a_million_entries_are_kept_and_brought_back_in_bounded_memory(
    home: Path, tmp_path: Path
) -> None:
    import random

    from django.db import connection, transaction

    from toutdoux.core.chain import START, canonical, digest
    from toutdoux.ledger.models import Entry, Ledger

    small = Small()
    Entry.objects.all().delete()
    head = START
    chance = random.Random(1)
    with transaction.atomic(), connection.cursor() as cursor:
        for first in range(1, 1_000_001, 10_000):
            rows = []
            for seq in range(first, first + 10_000):
                body = canonical(
                    {
                        "seq": seq,
                        "prev": head,
                        "recorded_at": "2021-03-01T09:00:00.000000Z",
                        "data": chance.randbytes(40).hex(),
                    }
                )
                head = digest(body)
                rows.append((small.id, seq, body, head, "AE1"))
            cursor.executemany(
                "INSERT INTO ledger_entry (ledger_id, seq, body, hash, subject)"
                " VALUES (%s, %s, %s, %s, %s)",
                rows,
            )
    Ledger.objects.update(length=1_000_000, head=head)
    connection.close()
    path = tmp_path / "large.toutdoux"
    for arguments in (("backup", path), ("restore", path, "--replace")):
        assert _memory_of(*arguments) <= 200 * 2**20


def _memory_of(*arguments: object) -> int:
    """The most memory that a command took, in bytes."""
    program = (
        "import resource, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'toutdoux', *sys.argv[1:]], check=True,"
        " stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) * 1024
