"""Members as other programs export them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toutdoux.language import Language
from toutdoux.tables import MemberRow, read_members

from .telling import Rows, marked_down, refused, separated

ANA = MemberRow("Ana Lune", "ana@loutres.example", None, "7", date(2020, 9, 1), None, 2)


def read(source: str, **mapping: str) -> list[MemberRow]:
    return read_members(source, "m.csv", mapping).rows


# --- columns -------------------------------------------------------------------------------------


def test_paheko() -> None:
    source = (
        '"Numéro de membre","Nom & prénom","Adresse E-Mail","Mot de passe","Adresse postale",'
        '"Numéro de téléphone","Date d\'inscription","Catégorie"\n'
        '7,"Ana Lune","ana@loutres.example","","1 quai","0102","01/09/2020","Membres actifs"\n'
    )
    assert read(source) == [ANA]


def test_galette_with_its_labels() -> None:
    source = (
        "Numéro d'adhérent :;Nom :;Prénom :;Courriel :;Date de création :;Date d'échéance :\n"
        "7;Lune;Ana;ana@loutres.example;01/09/2020;01/09/2021\n"
    )
    assert read(source) == [ANA]


def test_galette_with_the_names_of_its_database() -> None:
    source = (
        '"id_adh","nom_adh","prenom_adh","pseudo_adh","email_adh","date_crea_adh","date_echeance"\n'
        '"7","Lune","Ana","ana","ana@loutres.example","2020-09-01","2021-09-01"\n'
    )
    assert read(source) == [replace(ANA, handle="ana")]


def test_english_titles() -> None:
    source = (
        "Number\tFirst name\tLast name\tEmail\tJoined\tLeft\n"
        "7\tAna\tLune\tana@loutres.example\t2020-09-01\t2021-02-03\n"
    )
    assert read(source) == [replace(ANA, left=date(2021, 2, 3))]


def test_a_name_alone() -> None:
    assert read("Nom\nAna Lune\n") == [MemberRow("Ana Lune", None, None, None, None, None, 2)]


def test_a_time_with_the_date() -> None:
    assert read("Name,Joined\nAna,2020-09-01 10:00:00")[0].joined == date(2020, 9, 1)


def test_a_handle_with_its_sign() -> None:
    assert read("Name,Handle\nAna,@ana")[0].handle == "ana"


def test_mapped_columns() -> None:
    source = "Qui,Nom,Début\nAna Lune,Lune,1/9/2020"
    row = read(source, name="Qui", joined="DEBUT")[0]
    assert (row.name, row.joined) == ("Ana Lune", date(2020, 9, 1))


def test_a_mapping_wins_over_the_titles() -> None:
    source = "Nom complet,Nom,Usuel\nAna Lune,Lune,Anna"
    assert read(source, first_name="Usuel", last_name="Nom")[0].name == "Anna Lune"


def test_a_mapped_column_that_is_not_there() -> None:
    line, why = refused(lambda: read("Nom,Ville\nAna,Lac", joined="Début"))
    assert (line, why) == (1, "there is no column “Début”; there are Nom, Ville")


def test_a_mapping_of_nothing() -> None:
    line, why = refused(lambda: read("Nom\nAna", age="Nom"))
    assert (line, why) == (None, "“age” is not something that a member has")


def test_no_column_of_names() -> None:
    line, why = refused(lambda: read("Qui;Adresse e-mail\nAna;a@b.example"))
    assert (line, why) == (1, "no column holds the members' names; there are Qui, Adresse e-mail")


def test_two_columns_of_one_title() -> None:
    assert refused(lambda: read("Nom,Nom\nAna,Lune")) == (1, "there are two columns “Nom”")


def test_an_empty_file() -> None:
    assert refused(lambda: read("")) == (None, "the file is empty")


# --- rows ----------------------------------------------------------------------------------------


def test_a_row_without_a_name() -> None:
    line, why = refused(lambda: read("Nom,Email\nAna,\n,b@loutres.example"))
    assert (line, why) == (3, "this member has no name")


def test_a_date_that_is_none() -> None:
    line, why = refused(lambda: read("Nom,Inscription\nAna,31/02/2020"))
    assert (line, why) == (2, "the date 31/02/2020 does not exist")


def test_leaving_before_joining() -> None:
    line, why = refused(lambda: read("Name,Joined,Left\nAna,2021-01-02,2021-01-01"))
    assert line == 2
    assert why == "Ana left on 1 January 2021, before joining on 2 January 2021"


def test_a_member_may_be_called_like_a_title() -> None:
    assert [row.name for row in read("Nom,Ville\nPrénom,Nom\nNom,Lac")] == ["Prénom", "Nom"]


def test_the_same_row_twice_is_one() -> None:
    assert len(read("Nom,Email\nAna,a@loutres.example\nAna,a@loutres.example")) == 1


def test_several_periods() -> None:
    source = "No,Name,Joined,Left\n7,Ana,2020-01-01,2020-06-01\n7,Ana,2021-01-01,\n"
    assert [row.joined for row in read(source)] == [date(2020, 1, 1), date(2021, 1, 1)]


@pytest.mark.parametrize(
    "source",
    [
        "No,Name\n7,Ana\n7,Bob",
        "No,Name,Email\n7,Ana,a@loutres.example\n8,ana,A@loutres.example",
        "No,Name,Joined,Left\n7,Ana,2020-01-01,\n7,Ana,2020-01-01,2020-06-01",
        "Name,Handle\nAna,ana\nAna,anna",
    ],
)
def test_rows_that_contradict_each_other(source: str) -> None:
    line, why = refused(lambda: read(source))
    assert line == 3
    assert why.endswith("is also on line 2, with other data")


def test_two_members_may_share_their_name() -> None:
    assert len(read("No,Name\n7,Ana\n8,Ana")) == 2
    assert len(read("Name,Email\nAna,a@loutres.example\nAna,b@loutres.example")) == 2


# --- any rows, in any order, under any titles ----------------------------------------------------

TITLES = [
    ["Nom & prénom", "Nom complet", "NAME", "Full name", "nom"],
    ["E-mail", "Adresse e-mail", "Courriel :", "email_adh"],
    ["Pseudo", "Handle", "pseudo_adh"],
    ["N°", "Numéro de membre", "id_adh", "ID"],
    ["Date d’inscription", "Joined", "date_crea_adh", "Date de création"],
    ["Left", "Date de départ", "Sortie"],
]
_word = st.text(st.sampled_from("abé -'\"|;,."), max_size=8).map(str.strip)
_maybe = st.none() | _word.map(lambda word: f"x{word}")


@st.composite
def _table(draw: st.DrawFn) -> tuple[Rows, list[MemberRow]]:
    rows, read = [], []
    for number in draw(st.lists(st.integers(1, 99), unique=True, max_size=5)):
        joined = draw(st.none() | st.dates(date(1990, 1, 1), date(2020, 1, 1)))
        row = MemberRow(
            name=f"n{draw(_word)}",
            email=f"{number}@loutres.example",
            handle=draw(_maybe),
            number=str(number),
            joined=joined,
            left=draw(st.none() | st.dates(date(2020, 1, 2), date(2030, 1, 1))),
            line=0,
        )
        day = draw(st.sampled_from(["%d/%m/%Y", "%Y-%m-%d"]))
        dates = [one.strftime(day) if one else "" for one in (row.joined, row.left)]
        rows.append([row.name, row.email or "", row.handle or "", row.number or "", *dates])
        read.append(row)
    titles = [draw(st.sampled_from(names)) for names in TITLES]
    order = draw(st.permutations(range(len(TITLES))))
    return [[row[place] for place in order] for row in [titles, *rows]], read


@given(_table(), st.sampled_from(["\t", ";", ",", "|"]))
def test_any_members_are_read(table: tuple[Rows, list[MemberRow]], separator: str) -> None:
    rows, expected = table
    source = marked_down(rows) if separator == "|" else separated(rows, separator)
    assert [replace(row, line=0) for row in read(source)] == expected


def test_the_columns_that_are_not_read_are_named() -> None:
    source = "Nom complet;Ville;Téléphone\nAna Lune;Brest;0102\n"
    (note,) = read_members(source, "m.csv").notes
    assert Language("en").say(note) == "columns that were not read: Ville, Téléphone"
