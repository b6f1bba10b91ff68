"""Bad documents, made of good ones: values of other kinds, keys that are gone or are duplicated, bytes that are cut or changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Raw:
    """What is written into the document as it is, whether or not it is a value."""

    text: str


class Pairs(list[tuple[str, Any]]):
    """An object in which a key may be duplicated."""


ANY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    -0.0,
    2**53 + 1,
    -(2**63) - 1,
    1e308,
    5e-324,
    Raw("1" + "0" * 400),  # an integer that is no float
    Raw("9" * 5000),  # more digits than `int` converts
    Raw("1e999"),
    "",
    " ",
    "x",
    "a/b",
    "../../x",
    "\0",
    "a\nb",
    "\x1b[2J",
    "😀",
    "²",  # a digit by `isdigit` and no number
    "٣",
    "-1",
    "1e999",
    "nan",
    "9" * 5000,
    "$" * 20,
    "${A:-${A}",
    "%s{0}",
    "2026-13-45",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-02-22T12:00:00+00:00",
    "999999999999999d",
    [],
    {},
    [[]],
    [{}],
    [None],
    ["x", "x"],
    [1, "x"],
    {"": None},
    {"x": {"x": []}},
    {"1": 1},
)
JSON: tuple[Any, ...] = (
    Raw('"\\ud800"'),
    Raw('{"\\udc00": 1}'),
    Raw('["\\ud800\\ud800"]'),
    Raw("NaN"),
    Raw("-Infinity"),
    Raw('{"a": 1, "a": 2}'),
    Raw("[" * 60 + "]" * 60),
    Raw("01"),
    Raw(""),
)
YAML: tuple[Any, ...] = (
    Raw('"\\ud800"'),
    Raw(".inf"),
    Raw(".nan"),
    Raw("2026-13-45"),
    Raw("2026-02-22"),
    Raw("2026-02-22T12:00:00Z"),
    Raw("0000-01-01"),
    Raw("1_000"),
    Raw("0x1F"),
    Raw("190:20:30"),
    Raw("1" + "_" * 50),
    Raw("! x"),
    Raw("!!binary aGk="),
    Raw("!!binary ö"),
    Raw("!!int x"),
    Raw("!!float x"),
    Raw("!!bool x"),
    Raw("!!timestamp x"),
    Raw("!!int {a: b}"),
    Raw("!!str [a]"),
    Raw("!!set {a, b}"),
    Raw("!!omap [a: b]"),
    Raw("!!pairs [a: b]"),
    Raw("!!python/object/apply:os.getcwd []"),
    Raw("!reset x"),
    Raw("{? [a] : b}"),
    Raw("{? {a: b} : c}"),
    Raw("{1: a, null: b, true: c}"),
    Raw("{2026-02-22: a}"),
    Raw("{.nan: a, 1.5: b}"),
    Raw("{<<: {a: 1}, b: 2}"),
    Raw("{<<: [1]}"),
    Raw("{a: 1, a: 2}"),
    Raw("{=: 1}"),
    Raw("*unknown"),
    Raw("&a [*a]"),
    Raw("[&b {c: d}, *b, *b]"),
    Raw("[" * 120 + "]" * 120),
    Raw("'"),
    Raw("- x"),
)


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """The place of each value in a document, its own first."""
    yield here
    if isinstance(value, Pairs):
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*here, key))


def at(value: Any, path: Path) -> Any:
    """The value at *path*."""
    for key in path:
        value = value[key]
    return value


def written(value: Any) -> str:
    """A document as JSON, with what is `Raw` in it as it is."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(item)}" for key, item in value) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def replaced(value: Any, path: Path, other: Any) -> Any:
    """*value* with *other* at *path*."""
    if not path:
        return other
    inner = copy.copy(value)
    inner[path[0]] = replaced(value[path[0]], path[1:], other)
    return inner


def _without(value: Any, path: Path) -> Any:
    around = copy.copy(at(value, path[:-1]))
    del around[path[-1]]
    return replaced(value, path[:-1], around)


def _twice(value: Any, path: Path) -> Any:
    around = at(value, path[:-1])
    again = Pairs([*around.items(), (path[-1], around[path[-1]])]) if isinstance(around, dict) else [*around, *around]
    return replaced(value, path[:-1], again)


def _renamed(value: Any, path: Path) -> Any:
    around = at(value, path[:-1])
    if not isinstance(around, dict):
        return value
    return replaced(value, path[:-1], {"x" if key == path[-1] else key: item for key, item in around.items()})


@st.composite
def trees(draw: Callable[..., Any], seed: Any, values: Sequence[Any]) -> Any:
    """*seed* with one to three things wrong in it."""
    for _ in range(draw(st.integers(1, 3))):
        if not isinstance(seed, (dict, list)) or isinstance(seed, Pairs):
            return seed
        known = [path for path in paths(seed) if path]
        if not known:
            return seed
        path = draw(st.sampled_from(known))
        try:
            match draw(st.sampled_from("vvvvvvvcdtr")):
                case "v":
                    seed = replaced(seed, path, draw(st.sampled_from(values)))
                case "c":
                    seed = replaced(seed, path, at(seed, draw(st.sampled_from(known))))
                case "d":
                    seed = _without(seed, path)
                case "t":
                    seed = _twice(seed, path)
                case _:
                    seed = _renamed(seed, path)
        except (TypeError, KeyError):  # below what is no object any more
            continue
    return seed


@st.composite
def cut_or_changed(draw: Callable[..., Any], content: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """*content* with bytes that are missing, other ones, or more."""
    for _ in range(draw(st.integers(1, 3))):
        if not content:
            break
        place = draw(st.integers(0, len(content) - 1))
        match draw(st.sampled_from("cfidxtt" if tokens else "cfidx")):
            case "c":
                content = content[:place]
            case "f":
                content = content[:place] + bytes([content[place] ^ draw(st.integers(1, 255))]) + content[place + 1 :]
            case "i":
                content = content[:place] + draw(st.sampled_from(_STRAY)) + content[place:]
            case "d":
                content = content[:place] + content[place + draw(st.integers(1, 9)) :]
            case "x":
                content = content[:place] + content[place:] * 2
            case _:
                content = content[:place] + draw(st.sampled_from(tokens)) + content[place:]
    return content


_STRAY = (
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\n",
    b'"',
    b"{",
    b"]",
    b":",
    b",",
    b"\\ud800",
    b"&",
)


def hostile(seed: bytes, form: str) -> st.SearchStrategy[bytes]:
    """
    Documents like *seed*, of which most still have its form.

    Args:
        form: "json", "yaml", "jsonl", or another, of which only the bytes are changed.
    """
    if form == "jsonl":
        rows = st.tuples(*(hostile(row, "json") for row in seed.splitlines()))
        return rows.map(lambda rows: b"\n".join(rows) + b"\n")
    if form not in ("json", "yaml"):
        return cut_or_changed(seed, _TOKENS.get(form, ()))
    if form == "json":
        plain = json.loads(seed)
    else:
        import yaml

        plain = yaml.load(seed, yaml.BaseLoader)
        plain = yaml.safe_load(seed) if _is_plain(yaml.safe_load(seed)) else plain
    values = (*ANY, *(JSON if form == "json" else YAML))
    changed = trees(plain, values).map(lambda tree: (written(tree) + "\n").encode())
    return st.one_of(changed, changed, changed, changed, cut_or_changed(seed))


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


_TOKENS: dict[str, tuple[bytes, ...]] = {
    "xml": (
        b"<testcase/>",
        b"<failure>",
        b' failures="\xc2\xb2"',
        b"<!DOCTYPE x>",
        b"&x;",
        b"<![CDATA[",
        b"</testsuite>",
    ),
    "csv": (b",", b'"', b"nan", b"inf", b"1e999", b"9" * 400, b"2026-13-45", b"\xd9\xa3", b"\n", b"\r"),
    "env": (b"=", b"${A:-", b"}", b"'", b'"', b"export ", b"\n"),
}


def no_documents(seed: bytes) -> Iterator[tuple[str, bytes]]:
    """What no program writes, and what a file holds all the same, by name."""
    text = seed.decode("utf-8", "replace")
    yield from {
        "empty": b"",
        "blank": b" \n\n",
        "null": b"null\n",
        "list": b"[1]\n",
        "empty list": b"[]\n",
        "empty object": b"{}\n",
        "list of objects": b"[{}]\n",
        "text": b'"x"\n',
        "number": b"1\n",
        "huge number": b"9" * 5000 + b"\n",
        "NaN": b"NaN\n",
        "half of a surrogate pair": b'"\\ud800"\n',
        "zeros": b"\0" * 100,
        "not UTF-8": b"\xff" + seed,
        "byte order mark": b"\xef\xbb\xbf" + seed,
        "UTF-16": text.encode("utf-16"),
        "UTF-16 without mark": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "surrogate in UTF-8": seed + b"\xed\xa0\x80",
        "deep list": b"[" * 100_000,
        "deep object": b'{"a":' * 100_000,
        "deep blocks": b"- " * 20_000 + b"\n",
        "list as a key": b"? [a]\n: b\n",
        "mapping as a key": b"? {a: b}\n: c\n",
        "aliases": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)),
        "alias of itself": b"&a [*a]\n",
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        "zip": b"PK\x03\x04" + b"\0" * 40,
        "bell": b"\x07\x1b[31m\n",
    }.items()
    for size in {1, len(seed) // 3, len(seed) // 2, max(len(seed) - 3, 0)}:
        yield f"cut after {size}", seed[:size]
