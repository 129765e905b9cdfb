"""GitHub-flavoured Markdown that also reads well as it stands.

Text is escaped where it could become markup, and only there: `_` inside a word or `#` in the
middle of a line are left alone. What can only be decided on a finished line (`#`, `-`, `1.` at
its start) is escaped on the finished line.
"""

from __future__ import annotations

import re
import string
import unicodedata

from toutdoux.reports.document import (
    Block,
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
    Inline,
    Inlines,
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
from toutdoux.reports.markdown import clean, is_safe_url, joined_texts, words
from toutdoux.reports.render.plain import bar_lines, encoded_url, one_line

# --- text ----------------------------------------------------------------------------------------

_WORD = r"[^\W_]"
_IN_TEXT = re.compile(
    "|".join(
        (
            r"\\(?=[!-/:-@\[-`{-~]|\Z)",  # a backslash that would escape what follows
            r"[`\[\]]",  # code, links, footnotes, task lists
            r"(?<!\s)[*~]|[*~](?!\s)",  # emphasis and strikethrough, unless it stands alone
            rf"(?<!{_WORD})(?<!_)_+|_+(?!_)(?!{_WORD})",  # emphasis, unless inside a word
            r"<(?=[A-Za-z/!?]|\Z)",  # raw HTML and autolinks
            r"&(?=#|[A-Za-z][A-Za-z0-9]*;)",  # entities
            r"\$(?=\S)",  # mathematics, on GitHub
            r"(?<=http):(?=//)|(?<=https):(?=//)|(?<=www)\.",  # bare links, on GitHub
        )
    )
)
_AT_START = re.compile(
    r"""
    (?P<escaped> \#{1,6}(?=\s|\Z) | > | [-+*](?=\s|\Z) | [-=]+\s*\Z | [|:][-|:\s]*\Z | -[-|:\s]*\Z
      | ~~~ )
    | (?P<number> [0-9]{1,9} ) (?= [.)](?:\s|\Z) )
    """,
    re.VERBOSE,
)


def escaped(text: str) -> str:
    """Escape what would be markup anywhere in a line."""
    return _IN_TEXT.sub(lambda found: "".join(f"\\{char}" for char in found[0]), text)


def _line(rendered: str) -> str:
    """Finish a line of rendered inlines: nothing it begins with may make it another block."""
    rendered = rendered.strip(" ")
    found = _AT_START.match(rendered)
    if found is None:
        return rendered
    if found["number"]:
        return f"{found[0]}\\{rendered[found.end() :]}"
    return f"\\{rendered}"


# --- inside a line -------------------------------------------------------------------------------


def _inlines(inlines: Inlines, line_break: str) -> str:
    """Render inlines onto one line; `line_break` is what stands for a line break here."""
    # Texts are joined, as an entity may be spread over two; what is empty parts nothing.
    pieces = [piece for piece in joined_texts(inlines) if isinstance(piece, Link) or _seen(piece)]
    out = ""
    for index, piece in enumerate(pieces):
        follows = _seen(*pieces[index + 1 : index + 2])[:1]
        rendered = _inline(piece, line_break, out[-1:], follows)
        if isinstance(piece, Link) and out.endswith("!"):
            out = f"{out[:-1]}\\!"  # or the link would become an image
        if out.endswith("`") and rendered.startswith("`"):
            out += "<!-- -->"  # or two pieces of code would be read as one
        out += rendered
    return out


def _seen(*pieces: Inline) -> str:
    return clean(words(pieces))


def _inline(inline: Inline, line_break: str, before: str, after: str) -> str:
    match inline:
        case Text(text):
            return escaped(re.sub(r"[ \t\n]+", " ", clean(text)))
        case Emphasis(children):
            return _marked(("_", "*"), "em", _inlines(children, line_break), before, after)
        case Strong(children):
            return _marked(("**", "__"), "strong", _inlines(children, line_break), before, after)
        case Struck(children):
            return _marked(("~~",), "del", _inlines(children, line_break), before, after)
        case Code(text):
            return _code(one_line(text)) or " "
        case Link(url, children) if is_safe_url(url):
            return _link(encoded_url(url), _inlines(children, line_break).strip(" "))
        case Link(_, children):
            return _inlines(children, line_break)
        case LineBreak():
            return line_break


def _marked(marks: tuple[str, ...], tag: str, inner: str, before: str, after: str) -> str:
    """Put marks around a text; HTML's, which GFM knows, where Markdown's would not be read."""
    if not inner.strip():
        return inner
    for mark in marks:
        if _is_read(mark[0], inner, before, after):
            return f"{mark}{inner}{mark}"
    return f"<{tag}>{inner}</{tag}>"


def _is_read(char: str, inner: str, before: str, after: str) -> bool:
    """Whether a mark is read as one here: CommonMark's flanking rules, on the safe side."""
    if char in f"{before}{inner}{after}" or inner != inner.strip():
        return False
    if char == "_":
        return not _is_wordlike(before) and not _is_wordlike(after)
    opens = not _is_punctuation(inner[0]) or not _is_wordlike(before)
    closes = not _is_punctuation(inner[-1]) or not _is_wordlike(after)
    return opens and closes


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def _is_wordlike(char: str) -> bool:
    """Neither space nor punctuation; parsers disagree on symbols, so those count as words."""
    if not char or char.isspace() or char in string.punctuation:
        return False
    return unicodedata.category(char)[0] != "P"


def _code(text: str) -> str:
    if not text:
        return ""
    fence = _longer_fence(text, 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _longer_fence(text: str, least: int) -> str:
    runs = re.findall(r"`+", text)
    return "`" * max([least, *(len(run) + 1 for run in runs)])


def _link(url: str, label: str) -> str:
    if label in ("", escaped(url)) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
        return f"<{url}>"
    safe = re.sub(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)", r"\&", url)
    return f"[{label}](<{safe}>)" if re.search(r"[()]", url) else f"[{label}]({safe})"


# --- blocks --------------------------------------------------------------------------------------


def render(document: Document) -> bytes:
    """Render a report as one GitHub-flavoured Markdown file, in UTF-8."""
    who = [*document.authors, document.date]
    about = [
        _text(document.association),
        _text(document.subtitle),
        _text(" · ".join(part for part in who if part)),
    ]
    parts = [
        _heading(1, escaped(one_line(document.title))),
        "\\\n".join(line for line in about if line),
        _heading(2, escaped(one_line(document.contents_title))),
        "\n".join(_contents(document.sections, "")),
        *(_section(section, 2) for section in document.sections),
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _text(text: str) -> str:
    return _line(escaped(one_line(text)))


def _heading(level: int, rendered: str) -> str:
    rendered = re.sub(r"(?:(?<=\s)|\A)(#+)\Z", r"\\\1", rendered.strip(" "))  # not a closing `#`
    return f"{'#' * min(level, 6)} {rendered}".rstrip()


def _contents(sections: tuple[Section, ...], indent: str) -> list[str]:
    lines = []
    for section in sections:
        label = escaped(one_line(f"{section.number} {section.title}"))
        lines.append(f"{indent}- {_link('#' + section.anchor, label)}")
        lines += _contents(section.sections, indent + "  ")
    return lines


def _section(section: Section, level: int) -> str:
    parts = [
        f'<a id="{section.anchor}"></a>',
        _heading(level, escaped(one_line(f"{section.number} {section.title}"))),
        blocks_to_markdown(section.blocks, level),
        *(_section(child, level + 1) for child in section.sections),
    ]
    return "\n\n".join(part for part in parts if part)


_LIST_KINDS: dict[type, str] = {BulletList: "bullets", Facts: "bullets", NumberedList: "numbers"}


def blocks_to_markdown(blocks: Blocks, level: int = 1) -> str:
    """Render blocks as Markdown; `level` is that of the heading they stand under."""
    rendered = _rendered(blocks, level)
    return "\n\n".join(rendered)


def _rendered(blocks: Blocks, level: int) -> list[str]:
    rendered: list[str] = []
    previous = ""
    other = False  # two lists in a row would be one, but for another marker
    for block in blocks:
        kind = _LIST_KINDS.get(type(block), "")
        other = bool(kind) and kind == previous and not other
        if part := _block(block, level, other):
            rendered.append(part)
            previous = kind
    return rendered


def _block(block: Block, level: int, other: bool) -> str:
    match block:
        case Paragraph(children):
            return _paragraph(children)
        case Subheading(deeper, children):
            return _heading(level + deeper, _inlines(children, " "))
        case BulletList(items):
            return _list([("*" if other else "-", item) for item in items], level)
        case NumberedList(start, items):
            dot = ")" if other else "."
            return _list([(f"{start + i}{dot}", item) for i, item in enumerate(items)], level)
        case Quote(children):
            inner = blocks_to_markdown(children, level)
            return "\n".join(f"> {line}".rstrip() for line in inner.split("\n")) if inner else ""
        case CodeBlock(text):
            return _fenced(clean(text).split("\n"))
        case Divider():
            return "___"
        case Facts(pairs):
            bullet = "*" if other else "-"
            return "\n".join(f"{bullet} {_fact(label, value)}" for label, value in pairs)
        case Table():
            return _table(block)
        case Chart(caption, _):
            parts = (_text(caption), _fenced(bar_lines(block), "text"))
            return "\n\n".join(part for part in parts if part)


def _paragraph(children: Inlines) -> str:
    lines = [_line(line) for line in _inlines(children, "\n").split("\n")]
    return "\\\n".join(line for line in lines if line)


def _fact(label: str, value: Inlines) -> str:
    named = _inlines((Strong((Text(one_line(label)),)), Text(" — ")), "<br>")
    return named + _inlines(value, "<br>").strip(" ")


def _list(items: list[tuple[str, Blocks]], level: int) -> str:
    tight = all(_is_tight(item) for _, item in items)
    rendered = []
    for marker, item in items:
        body = ("\n" if tight else "\n\n").join(_rendered(item, level))
        indent = " " * (len(marker) + 1)
        lines = [f"{indent}{line}" if line else "" for line in body.split("\n")]
        rendered.append(marker + "\n".join(lines)[len(marker) :].rstrip())
    return ("\n" if tight else "\n\n").join(rendered)


def _is_tight(item: Blocks) -> bool:
    """Whether an item reads as one line, perhaps with bullets under it."""
    match item:
        case () | (Paragraph(),):
            return True
        case (Paragraph(), BulletList(items)):
            return all(inner and _is_tight(inner) for inner in items)
    return False


def _fenced(lines: list[str], kind: str = "") -> str:
    fence = _longer_fence("\n".join(lines), 3)
    return "\n".join((fence + kind, *lines, fence))


# --- tables --------------------------------------------------------------------------------------


def _table(table: Table) -> str:
    rules = ["---:" if c.kind is ColumnKind.FIGURE else "---" for c in table.columns]
    rows = [[_in_row(cell) for cell in row] for row in table.rows]
    return "\n".join(_row(cells) for cells in (_titles(table.columns), rules, *rows))


def _titles(columns: tuple[Column, ...]) -> list[str]:
    return [escaped(one_line(column.title)).replace("|", "\\|") for column in columns]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_row(blocks: Blocks) -> str:
    """Fold a cell's blocks onto one line; a bar in it would end the cell, even in code."""
    return "<br>".join(_folded(blocks)).replace("|", "\\|")


def _folded(blocks: Blocks) -> list[str]:
    return [line for block in blocks for line in _folded_block(block) if line]


def _folded_block(block: Block) -> list[str]:
    match block:
        case Paragraph(children):
            return [_inlines(children, "<br>").strip(" ")]
        case Subheading(_, children):
            return [_inlines((Strong(children),), " ")]
        case BulletList(items):
            return [_folded_item("•", item) for item in items]
        case NumberedList(start, items):
            return [_folded_item(f"{start + i}.", item) for i, item in enumerate(items)]
        case Quote(children):
            return [f"« {'<br>'.join(_folded(children))} »"]
        case CodeBlock(text):
            return [_code(line) for line in clean(text).split("\n")]
        case Divider():
            return ["———"]
        case Facts(pairs):
            return [_fact(label, value) for label, value in pairs]
        case Table(_, columns, rows):
            lines = [" · ".join("<br>".join(_folded(cell)) for cell in row) for row in rows]
            return [" · ".join(escaped(one_line(c.title)) for c in columns), *lines]
        case Chart():
            return [escaped(line) for line in bar_lines(block)]


def _folded_item(marker: str, item: Blocks) -> str:
    return f"{marker} {'<br>'.join(_folded(item))}"
