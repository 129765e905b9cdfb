"""Is the translation complete? Compares src/ with src/toutdoux/locale, one sentence a fault.

Run from the root of the repository, as `make check` does; `make messages` mends most faults.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ["fr"]
# As in the Makefile: say(message), say_n(singular, plural) of toutdoux.core.words.
KEYWORDS = DEFAULT_KEYWORDS | {
    "say": None,
    "say_n": (1, 2),
    "word": None,
    "_word": None,
    "_": None,
    "_n": (1, 2),
}
CALLED = KEYWORDS.keys() - DEFAULT_KEYWORDS.keys() | {"gettext", "ngettext"}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]|\{[^{}]*\}")


def extracted() -> Catalog:
    """The messages in src/toutdoux, found as `make messages` finds them."""
    mappings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    catalog = Catalog()
    found = extract_from_dir("src/toutdoux", methods, keywords=KEYWORDS)
    for file, line, message, _, context in found:
        catalog.add(message, locations=[(file, line)], context=context)
    return catalog


def overlooked(source: Catalog) -> Iterator[str]:
    """What Babel does not see because it stands within an f-string, each as a sentence."""
    known = {text for message in source for text in texts(message.id)}
    for file in sorted(Path("src/toutdoux").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            told = getattr(node.args[0], "value", None)
            if called in CALLED and isinstance(told, str) and told not in known:
                yield f"{file}:{node.lineno}: {told!r} is not found: take it out of its f-string."


def placeholders(text: str) -> set[str]:
    """What gets filled in: %(name)s, %s, {name}; a doubled % or brace is only a character."""
    plain = text.replace("%%", "").replace("{{", "").replace("}}", "")
    return set(PLACEHOLDER.findall(plain))


def texts(of: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [of] if isinstance(of, str) else list(of or ())


def same_placeholders(message: Message) -> bool:
    """A plural's singular may say the number too: in French it serves for 0 as well as for 1."""
    ids, strings = texts(message.id), texts(message.string)
    least, most = placeholders(ids[0]), placeholders(ids[-1])
    singular_fits = least <= placeholders(strings[0]) <= least | most
    return singular_fits and all(placeholders(string) == most for string in strings[1:])


def faults(source: Catalog, language: str) -> Iterator[str]:
    """What is wrong with one language, each as a sentence."""
    po = Path(f"src/toutdoux/locale/{language}/LC_MESSAGES/toutdoux.po")
    mo = po.with_suffix(".mo")
    if not po.exists():
        yield f"{po} is missing: run `make messages`, then translate."
        return
    with po.open("rb") as file:
        catalog = read_po(file, locale=language)

    for wanted in source:
        if wanted.id and catalog.get(wanted.id, wanted.context) is None:
            where = "src/toutdoux/{}:{}".format(*wanted.locations[0])
            yield f"{po} lacks {texts(wanted.id)[0]!r} ({where}): run `make messages`."
    for message in catalog:
        if not message.id:
            continue
        here = f"{po}:{message.lineno}: {texts(message.id)[0]!r}"
        if source.get(message.id, message.context) is None:
            yield f"{here} is no longer in the source: run `make messages`."
        elif not all(texts(message.string)):
            yield f"{here} is not translated."
        elif message.fuzzy:
            yield f"{here} is marked fuzzy: check the translation and remove the mark."
        elif not same_placeholders(message):
            yield f"{here} and its translation don't have the same placeholders."
    for message in catalog.obsolete.values():
        yield f"{po}: {texts(message.id)[0]!r} is obsolete: run `make messages`."

    yield from stale(mo, catalog)
    yield from formal_faults(source, po.with_name("toutdoux-formal.po"), language)


def formal_faults(source: Catalog, po: Path, language: str) -> Iterator[str]:
    """What is wrong with what is said to somebody one does not know: kept by hand."""
    with po.open("rb") as file:
        catalog = read_po(file, locale=language)
    for message in catalog:
        here = f"{po}:{message.lineno}: {texts(message.id)[:1]!r}"
        if message.id and source.get(message.id) is None:
            yield f"{here} is no longer in the source: take it out."
        elif message.id and not (all(texts(message.string)) and same_placeholders(message)):
            yield f"{here} is not translated, or with other placeholders."
    yield from stale(po.with_suffix(".mo"), catalog)


def stale(mo: Path, catalog: Catalog) -> Iterator[str]:
    compiled = BytesIO()
    write_mo(compiled, catalog)
    if not mo.exists() or mo.read_bytes() != compiled.getvalue():
        yield f"{mo} is not what its .po compiles to: run `make messages` and commit it."


def main() -> None:
    source = extracted()
    found = [fault for language in LANGUAGES for fault in faults(source, language)]
    found += overlooked(source)
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"{len(source)} messages, all translated into {', '.join(LANGUAGES)}.")


if __name__ == "__main__":
    main()
