"""A checker of bundles, written from docs/ledger.md alone: it imports nothing of toutdoux.

python bundle_checker.py FILE      ends with status 0 if the bundle is whole
"""

import json
import re
import sys
from hashlib import sha256
from pathlib import Path

LINE = re.compile(rb'\{"entry":(.*),"hash":"([0-9a-f]{64})"\}\n', re.DOTALL)


INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
KEYS = {"seq", "at", "recorded_at", "kind", "via", "data", "prev"}


def plain(value):
    """Whether there is nothing but objects, lists, strings and integers, under ASCII keys."""
    if type(value) is dict:
        return all(key.isascii() and plain(under) for key, under in value.items())
    if type(value) is list:
        return all(plain(one) for one in value)
    return type(value) is str or (type(value) is int and abs(value) < 2**53)


def is_entry(value):
    """Whether it has the keys of an entry and no other, with what stands there under them."""
    types = {"seq": int, "data": dict}
    return (
        plain(value)
        and set(value) - {"by", "operator"} == KEYS
        and all(type(under) is types.get(key, str) for key, under in value.items())
        and all(INSTANT.fullmatch(value[key]) for key in ("at", "recorded_at"))
    )


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fault(bundle):
    """Say what is wrong with the bytes of a bundle; None if nothing is."""
    first, *lines = bundle.splitlines(keepends=True) or [b""]
    try:
        told = json.loads(first)
        if canonical(told) + b"\n" != first or len(told) != 5:
            return "the first line is not canonical"
        if (told["format"], told["version"]) != ("toutdoux-ledger", 1):
            return "it is another format"
        prev, recorded = "0" * 64, ""
        for seq, line in enumerate(lines, 1):
            match = LINE.fullmatch(line)
            if not match or sha256(match[1]).hexdigest() != match[2].decode():
                return f"entry {seq} is not what was hashed"
            entry = json.loads(match[1])
            if canonical(entry) != match[1]:
                return f"entry {seq} is not canonical"
            if not is_entry(entry):
                return f"entry {seq} is no entry of this format"
            if (entry["seq"], entry["prev"]) != (seq, prev) or entry["recorded_at"] < recorded:
                return f"entry {seq} does not follow the one before it"
            founds = entry["kind"], entry["data"].get("format"), entry["data"].get("association")
            if seq == 1 and founds != ("association.founded", 1, told["association"]):
                return "it founds another association, or none"
            prev, recorded = match[2].decode(), entry["recorded_at"]
        return None if (told["length"], told["head"]) == (len(lines), prev) else "it is not whole"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"it cannot be read: {error!r}"


if __name__ == "__main__":
    sys.exit(fault(Path(sys.argv[1]).read_bytes()))
