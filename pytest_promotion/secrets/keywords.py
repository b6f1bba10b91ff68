"""Secrets that their key announces: `BITGET_API_KEY=…`, `"password": "…"`, `--token …`, `Authorization: …`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_promotion.secrets.lines import Line, Match
from pytest_promotion.secrets.placeholders import is_placeholder, is_plausible, is_reference

RANK: Final = 2  # a rule that knows the secret's form says more than its key does

NAMES: Final = (
    r"(?:api|access|secret|private|account|auth|signing|encryption|master|service|storage|shared)[_-]?key"
    r"|secret|pass[_-]?phrase|passwd|password|pwd|[_-]pass|token|credentials?"
)
_PEOPLE: Final = re.compile(r"(?i)pass|pwd|credential")
AFTER: Final = r"(?:[_-](?:key|value|live|prod|production|test|dev|staging|main|primary|b64|base64|[0-9]{1,3}))*"
# Up to the first character of the value; the value is read by hand, because its end depends on its quotes.
KEYED: Final = re.compile(
    rf"(?i)(?:{NAMES}){AFTER}"
    r"(?:[\"'`\\\])]{0,4}[ \t]{0,8}(?:=>|:=|={1,3}|:|>)[ \t]{0,8}|(?<=[a-z0-9])[ ](?=\S))"
    r"(?=[^\n]{6})"
)
HEADER: Final = re.compile(
    r"(?i)authorization[\"'\\\])]{0,4}[ \t]{0,4}[:=,>][ \t]{0,4}[\[(]?[\"'\\]{0,4}"
    r"(?:(?:bearer|basic|token|apikey|api-key|key|bot|digest|aws4-hmac-sha256)[ \t]+)?(?P<value>[^\s\"'\\,;<>]{8,})"
)
BEARER: Final = re.compile(r"(?i)\bbearer[ \t]{1,4}(?P<value>[a-z0-9._~+/-]{16,}=*)")
# A measured value, as a gate says it: `api_key is '…', expected == '…'`.
_STATED: Final = re.compile(
    rf"(?i)(?P<key>[\w.-]{{0,60}}(?:{NAMES}){AFTER}) is (?P<quote>['\"])(?P<value>.+?)(?P=quote)"
    r"(?:, expected \S+ (?P<other>['\"])(?P<wanted>.+?)(?P=other))?"
)
# Tokens that mark a place in a text or a page of results.
_MARKERS: Final = re.compile(
    r"(?i)(?:page|next|continuation|idempotency|sync|cancell?ation|resume|bos|eos|pad|unk|mask|cls|sep|fencing|stop|max|min)"
    r"[_-]?token$|public[_-]?(?:access[_-]?)?key$"
)
_KEY_LETTER: Final = re.compile(r"[A-Za-z0-9_.-]")
_UNQUOTED_END: Final = re.compile(r"[\s\"'`,;<>)\]}\\]|$")
_LONGEST_KEY: Final = 60
_LONGEST_VALUE: Final = 4000


def find_keyed(line: Line) -> Iterator[Match]:
    """Values whose key says that they are secret."""
    text = line.text
    for found in KEYED.finditer(text):
        start = found.start()
        while start > 0 and found.start() - start < _LONGEST_KEY and _KEY_LETTER.match(text[start - 1]):
            start -= 1
        name = re.match(r"[A-Za-z0-9_.-]+", text[start:])
        key = name[0].strip("-.") if name else ""
        flag = text[start : start + 2] == "--"
        if (found[0][-1] == " " and not re.search(r"[:=>]", found[0]) and not flag) or _MARKERS.search(key):
            continue
        if found[0].rstrip(" \t").endswith(">") and "=" not in found[0] and f"</{key}" not in text:
            continue  # a comparison, unless it is an XML element
        # ${NAME:-default}: the default is the value.
        default = text.startswith("-", found.end()) and text[:start].endswith("${")
        begin, end, quoted = value_at(text, found.end() + default, in_query=start > 0 and text[start - 1] in "?&")
        value = text[begin:end]
        alone = quoted or flag or text[end:].strip() == "" or text[end] in "<;&,"
        if is_plausible(value, password=bool(_PEOPLE.search(key)), literal=alone):
            yield Match("keyword", RANK, begin, end, key)


def find_stated(line: Line) -> Iterator[Match]:
    """Values that a sentence about a measurement repeats, where the measurement's name says that they are secret."""
    for found in _STATED.finditer(line.text):
        password = bool(_PEOPLE.search(found["key"]))
        for group in ("value", "wanted"):
            if found[group] and is_plausible(found[group], password=password, literal=True):
                yield Match("keyword", RANK, found.start(group), found.end(group), found["key"])


def is_of_people(key: str) -> bool:
    """Whether people choose what *key* names, so that a word may be it."""
    return bool(_PEOPLE.search(key))


def value_at(text: str, at: int, *, in_query: bool = False) -> tuple[int, int, bool]:
    """Where the value that begins at *at* starts and ends, and whether it stands in quotes."""
    escaped = text.startswith("\\", at) and text[at + 1 : at + 2] in ('"', "'")
    quote = text[at + escaped : at + escaped + 1]
    if quote in ('"', "'", "`"):
        begin = at + escaped + 1
        close = "\\" + quote if escaped else quote
        end = text.find(close, begin)
        while not escaped and end > begin and text[end - 1] == "\\":
            end = text.find(close, end + 1)
        if end < 0:
            end = len(text)  # a line that was cut
        return begin, min(end, begin + _LONGEST_VALUE), True
    stop = _UNQUOTED_END.search(text, at)
    end = min(stop.start() if stop else len(text), at + _LONGEST_VALUE)
    if in_query and (mark := text.find("&", at, end)) >= 0:
        end = mark
    return at, end, False


def find_headers(line: Line) -> Iterator[Match]:
    """What stands in Authorization headers, in HTTP, JSON and code alike."""
    for pattern in (HEADER, BEARER):
        for found in pattern.finditer(line.text):
            value = found["value"]
            # Without a scheme before it, a word may be just a word.
            random = any(letter.isdigit() for letter in value) or len(value) >= 20
            if (
                random
                and not is_placeholder(value)
                and not is_reference(value)
                and "(" not in value
                and "[" not in value
            ):
                yield Match("authorization", RANK, found.start("value"), found.end("value"), "Authorization")
