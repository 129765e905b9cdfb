"""Reports to render: one as an association would write it, and one hostile in every field."""

from __future__ import annotations

import pytest
from hypothesis import settings

from toutdoux.reports.document import (
    Bar,
    Blocks,
    BulletList,
    Chart,
    Code,
    CodeBlock,
    Column,
    ColumnKind,
    Divider,
    Document,
    Emphasis,
    Facts,
    LineBreak,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Section,
    Strong,
    Struck,
    Subheading,
    Table,
    Text,
)

# A machine that is busy with something else must not fail a test.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

HOSTILE = {
    "html": "</title></style><script>alert(1)</script><img src=x onerror=alert(1)> &lt;b&gt;",
    "gemtext": "=> gemini://a.example/ b\n# heading\n```\n* item\n> quote\r=> x\u2028# y\x85# z",
    "markdown": "- [x](javascript:alert(1)) | `a` ![i](https://a.example/i)\n\n# h\n| - | - |",
    "quotes": '" onmouseover=alert(1) x=\'" ]]> --> \\',
    "characters": "a\x00b\x1bc\u202ed\u2066e\ud800f\ufeffg",
}


def paragraph(*words: str) -> Blocks:
    return (Paragraph(tuple(Text(word) for word in words)),)


@pytest.fixture
def report() -> Document:
    return Document(
        language="fr",
        title="Bilan moral P21",
        subtitle="Du 1er février au 18 juillet 2021",
        association="Les Loutres",
        authors=("Ana", "Inès"),
        date="18 juillet 2021",
        date_iso="2021-07-18",
        contents_title="Table des matières",
        sections=(
            Section("1", "Introduction", _life()),
            Section("2", "Tout-Doux-Cratie", (), (_inventory(), _participation())),
        ),
    )


def _life() -> Blocks:
    again = Link("https://loutres.example/b", (Text("encore"),))
    return (
        Paragraph((Text("Un "), Link("https://loutres.example/a", (Text("lien"),)), Text("."))),
        Paragraph((Link("https://loutres.example/a", (Text("un"),)), Text(" et "), again)),
        Subheading(1, (Text("À retenir"),)),
        BulletList((paragraph("un"), (*paragraph("deux"), BulletList((paragraph("trois"),))))),
        NumberedList(4, (paragraph("quatre"), paragraph("cinq"))),
        Quote((*paragraph("cité"), BulletList((paragraph("aussi"),)))),
        CodeBlock("a\n  b\n```\nc"),
        Divider(),
        Facts((("Demandé", (Text("1 000 €"),)), ("Obtenu", (Strong((Text("800 €"),)),)))),
        Paragraph((Emphasis((Text("a"),)), LineBreak(), Struck((Text("b"),)), Code("c"))),
    )


def _inventory() -> Section:
    columns = (
        Column("ID", ColumnKind.KEY),
        Column("Objet", ColumnKind.PROSE),
        Column("Meneur·se", ColumnKind.WORDS),
        Column("Pour", ColumnKind.FIGURE),
        Column("Contre", ColumnKind.FIGURE),
        Column("Lien", ColumnKind.LINK),
    )
    rows = tuple(
        (
            paragraph(f"#{number}"),
            paragraph("@all #action-ordinaire Ouvrir un service pour les associations voisines. "
                      * (number - 26)),
            paragraph("Ana Martin-Lafitte"),
            paragraph("15/15"),
            paragraph("0/15"),
            (Paragraph((Link(f"https://loutres.example/{number}", (Text("Lien"),)),)),),
        )
        for number in range(27, 33)
    )  # fmt: skip
    table = Table("Inventaire", columns, (*rows, (*rows[0][:5], ())))
    return Section("2.1", "Inventaire", (table,))


def _participation() -> Section:
    bars = tuple(Bar(f"#{n}", n, 28, f"{n} votes sur 28 inscrit·es") for n in (0, 1, 18, 28))
    columns = (Column("ID", ColumnKind.KEY), Column("Votes", ColumnKind.FIGURE))
    rows = tuple((paragraph(bar.label), paragraph(str(bar.value))) for bar in bars)
    blocks = (Chart("Votes par action", bars), Table("Participation", columns, rows))
    return Section("2.2", "Participation", blocks)


@pytest.fixture(params=list(HOSTILE))
def hostile_text(request: pytest.FixtureRequest) -> str:
    return HOSTILE[request.param]


@pytest.fixture
def hostile_report(hostile_text: str) -> Document:
    """A report with the same text in every field that holds one."""
    h = hostile_text
    lines = (Text(h), Emphasis((Text(h),)), Code(h), LineBreak(), Text(h), Strong((Text(h),)))
    link = Link("javascript:alert(1)//" + h, (Text(h),))
    text = Paragraph((*lines, link, Link("https://loutres.example/" + h, (Text(h),))))
    columns = tuple(Column(h, kind) for kind in ColumnKind)
    blocks: Blocks = (
        text,
        Subheading(6, lines),
        BulletList(((text, CodeBlock(h)),)),
        NumberedList(0, ((Quote((text,)),), ())),
        Quote((text, CodeBlock(h), Table(h, columns, ()))),
        CodeBlock(h),
        Facts(((h, lines),)),
        Table(h, columns, (tuple((text,) for _ in columns), tuple(() for _ in columns))),
        Chart(h, (Bar(h, 5, 3, h), Bar(h, -1, 0, h))),
    )
    nested = Section("1.1", h, blocks)
    return Document("fr", h, h, h, (h, h), h, h, h, (Section("1", h, blocks, (nested,)),))
