"""
Secrets that stand beside a login: in `.netrc`, in Docker's and npm's configuration, in arguments of programs, and as
name and value.

Docker writes `"auth": "<base64 of user:password>"`, npm `_auth=…`, Kubernetes `.dockerconfigjson: <base64 of both>`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from pytest_promotion.secrets import keywords
from pytest_promotion.secrets.lines import Line, Match
from pytest_promotion.secrets.placeholders import is_placeholder, is_plausible, is_reference

RANK: Final = 1  # as what is known by its form

_BASE64: Final = r"[A-Za-z0-9+/]{8,4000}={0,2}"
_IS: Final = r"[\"'\\]{0,3}[ \t]{0,4}[:=][ \t]{0,4}[\"'\\]{0,3}"
ENCODED: Final = re.compile(rf"(?i)(?:(?<![a-z0-9])auth{_IS}|\bauth[ ](?:plain|login)[ ])(?P<value>{_BASE64})")
DOCKER: Final = re.compile(rf"(?i)docker(?:config(?:json)?|cfg){_IS}(?P<value>{_BASE64})")
ENCODED_KEY: Final = re.compile(rf"LS0tLS1CRUdJTi(?P<rest>{_BASE64})")  # base64 of `-----BEGIN `
NETRC: Final = re.compile(r"(?i)(?:^|[ \t])password[ \t]+(?P<value>[^\s#]\S{3,})")
COMMAND: Final = re.compile(
    r"""\bcurl\b[^|;\n]{0,300}?[ ](?:-u|-U|--user|--proxy-user)[ =]?["']?[^\s:"']{1,100}:(?P<curl>[^\s"']{4,})"""
    r"""|\bredis-cli\b[^|;\n]{0,200}?[ ](?:-a|--pass)[ =]["']?(?P<redis>[^\s"']{6,})"""
    r"""|\bsshpass[ ]+-p[ ]?["']?(?P<ssh>[^\s"']{4,})"""
    r"""|\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^|;\n]{0,200}?[ ]-p(?P<mysql>[^\s"']{6,})"""
    r"""|\bdocker[ ]login\b[^|;\n]{0,200}?[ ](?:-p|--password)[ =]["']?(?P<docker>[^\s"']{6,})"""
    r"""|ConvertTo-SecureString[ ]+(?:-String[ ]+)?["'](?P<windows>[^"'\n]{6,})["']"""
)
_NAME: Final = rf"\b(?:key|name){_IS}(?P<key>[\w.-]{{0,60}}(?:{keywords.NAMES}){keywords.AFTER})[\"']?"
_VALUE: Final = r"value[\"']?[ \t]{0,4}[:=][ \t]{0,4}"
NAME_VALUE: Final = re.compile(rf"(?i){_NAME}[ \t,;]{{1,4}}[\"']?{_VALUE}")
VALUE: Final = re.compile(rf"(?i)^\W{{0,4}}{_VALUE}(?=\S{{6}})", re.MULTILINE)
_NAME_LINE: Final = re.compile(rf"(?i){_NAME}[ \t]{{0,4}},?[ \t]*$")
# What stands before a password in such a file: the machine, at a line's start, and the login.
_ENTRY: Final = re.compile(
    r"(?:^|\n)[ \t]*(?:machine\s+\S+|default)(?P<with>(?:\s+(?:login|user|account)\s+\S+)*)\s*$", re.IGNORECASE
)
_ANONYMOUS: Final = re.compile(r"\b(?:login|user)\s+(?:anonymous|ftp)\b", re.IGNORECASE)
_LOGIN: Final = re.compile(r"[^\s:\0]{1,256}:(?P<password>\S{4,})|[^\0]*\0[^\0]+\0(?P<plain>[^\0\s]{4,})")


def find_encoded(line: Line) -> Iterator[Match]:
    """User and password that base64 hides, under a key that says so, and whole Docker configurations in base64."""
    for found in ENCODED.finditer(line.text):
        login = _LOGIN.fullmatch(_decoded(found["value"]))
        if login and not is_placeholder(login["password"] or login["plain"]):
            yield Match("encoded-login", RANK, found.start("value"), found.end("value"), "auth")
    for found in DOCKER.finditer(line.text):
        if '"auth"' in _decoded(found["value"]):
            yield Match("encoded-login", RANK, found.start("value"), found.end("value"), "Docker configuration")
    for found in ENCODED_KEY.finditer(line.text):
        if "PRIVATE KEY" in _decoded(found[0]):
            yield Match("private-key", RANK, found.start(), found.end(), "private key in base64")


def find_netrc(line: Line) -> Iterator[Match]:
    """The passwords of a `.netrc` file, whose entries stand on one line or on several."""
    for found in NETRC.finditer(line.text):
        entry = _ENTRY.search("\n".join((*line.before, line.text[: found.start()])))
        if entry is None or _ANONYMOUS.search(entry["with"]) or _stands_for_one(found["value"]):
            continue
        yield Match("netrc", RANK, found.start("value"), found.end("value"), "password")


def find_in_commands(line: Line) -> Iterator[Match]:
    """Passwords among the arguments of programs that take them there."""
    for found in COMMAND.finditer(line.text):
        program, value = next((name, text) for name, text in found.groupdict().items() if text is not None)
        if not _stands_for_one(value):
            yield Match("command-line", RANK, found.start(program), found.end(program), f"password of {program}")


def find_name_value(line: Line) -> Iterator[Match]:
    """Values whose name stands beside them: `name: DB_PASSWORD`, `value: …`, on one line or on two."""
    places = [(found["key"], found.end()) for found in NAME_VALUE.finditer(line.text)]
    beside = _NAME_LINE.search(line.before[-1]) if line.before else None
    alone = VALUE.search(line.text)
    if beside is not None and alone is not None:
        places.append((beside["key"], alone.end()))
    for key, at in places:
        start, end, _ = keywords.value_at(line.text, at)
        if is_plausible(line.text[start:end], password=keywords.is_of_people(key), literal=True):
            yield Match("keyword", RANK, start, end, key)


def _stands_for_one(value: str) -> bool:
    return is_placeholder(value) or is_reference(value)


def _decoded(text: str) -> str:
    """What base64 says, or "" where it is none or no text."""
    try:
        decoded = base64.b64decode(text[: len(text) // 4 * 4] if "=" not in text else text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded if all(letter.isprintable() or letter in "\0\n\r\t" for letter in decoded) else ""
