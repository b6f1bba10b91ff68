"""What stands where a secret would, and is none: masks, references, examples, code."""

from __future__ import annotations

import itertools
import re
from typing import Final

_WORDS: Final = (
    "a|an|and|any|api|bearer|bool|change|changed|changeme|changeit|deleted|disabled|dummy|empty|enabled|example|expired|"
    "fake|false|fill|fixme|foo|bar|found|generated|goes|here|hidden|in|insert|int|invalid|is|it|key|mandatory|masked|me|"
    "missing|my|na|nil|no|none|not|null|omitted|optional|or|passphrase|passwd|password|placeholder|provided|redacted|"
    "removed|replace|replaceme|required|revoked|rotated|sample|secret|secrets|set|some|str|string|tbd|test|the|this|to|"
    "todo|token|true|undefined|unknown|unset|use|valid|value|with|x+|yes|your"
)
_PLACEHOLDER: Final = re.compile(rf"(?:{_WORDS})(?:[-_ .]*(?:{_WORDS}))*[.!]?", re.IGNORECASE)
# A name of one of these starts that goes on in braces or brackets, or a mask.
_WRAPPED: Final = re.compile(
    r"\$?\$?\{.*|<.*|\[[A-Za-z _-]+\]?|\(.*|%\(\w+\)[sd]?|%[sdr]|%[A-Za-z_]+%|\$\(?[A-Za-z_]\w*\)?|@\w+@|__\w+__"
)
_MASK: Final = re.compile(r"\*{3,}|[xX]{6,}|[•●█#]{3,}|\.{3}$|…|\\u2022")
_REFERENCE: Final = re.compile(
    r"(?:sha(?:1|224|256|384|512)|md5|arn|vault|env|file|op|ref|ssm|secret|secretsmanager|keyring|https?|wss?)[:=-]",
    re.IGNORECASE,
)
_PATH: Final = re.compile(r"(?:~|\.{1,2})?(?:/[\w.@+-]+){2,}/?|[A-Za-z]:\\.*|\.{1,2}/.*")
_CODE: Final = re.compile(
    r"[A-Za-z_][\w.]*[(\[].*|(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*|(?:str|int|bool|bytes|float|Optional|None)\b.*"
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?|\d\d:\d\d.*")
_NUMBER: Final = re.compile(r"[-+]?[\d_,]*\.?\d+(?:[eE][-+]?\d+)?")
_AWS_EXAMPLE: Final = re.compile(r"EXAMPLE(?:KEY)?$")  # the ending that this vendor's own documentation uses
# The words that sentences are made of.
_PROSE: Final = re.compile(
    r"(?i)(?:a|an|and|are|as|at|be|by|can|cannot|for|from|has|have|if|in|is|it|must|no|not|of|on|or|please|should|that|"
    r"the|this|to|was|will|with|your)[.,:;]?"
)
_SYMBOLS: Final = re.compile(r"[^A-Za-z0-9\s._-]")


def is_placeholder(value: str) -> bool:
    """Whether *value* only stands for a secret: masked, templated, or made of words like `changeme`."""
    return (
        not any(letter.isalnum() for letter in value)
        or len(set(value)) <= 2
        or bool(_MASK.search(value) or _WRAPPED.fullmatch(value) or _PLACEHOLDER.fullmatch(value))
    )


def is_reference(value: str) -> bool:
    """Whether *value* says where a secret is, or which digest something has, and is not the secret itself."""
    return bool(_REFERENCE.match(value) or _AWS_EXAMPLE.search(value)) or is_path(value)


def is_path(value: str) -> bool:
    """Whether *value* is written as a path, and was not drawn by lot."""
    return _PATH.fullmatch(value) is not None and not _is_drawn(value)


def is_plausible(value: str, *, password: bool, literal: bool) -> bool:
    """
    Whether *value* can be the secret that its key announces.

    *password* says that people choose such values, so a word may be one; *literal* that the
    value stands in quotes or alone behind its key, so that it is not a word of a sentence.
    """
    if len(value) < (6 if password else 8) or is_placeholder(value) or is_reference(value) or _MOMENT.fullmatch(value):
        return False
    if _NUMBER.fullmatch(value):
        return password and literal
    words = value.split()
    if len(words) > 1:
        # The words of a sentence give it away; those of a passphrase are drawn by lot.
        return password and literal and sum(_PROSE.fullmatch(word) is not None for word in words) < 2
    if not literal and _CODE.fullmatch(value):
        return False
    if any(letter.isdigit() for letter in value):
        return True
    if password:
        return literal or bool(_SYMBOLS.search(value)) or _is_mixed(value)
    return _is_mixed(value) or (len(value) >= 20 and value.isalpha())


def _is_drawn(value: str) -> bool:
    """Whether what looks like a path is rather drawn by lot: keys in base 64 have slashes, too."""
    capitals, digits = sum(map(str.isupper, value)), sum(map(str.isdigit, value))
    return capitals >= 4 and digits >= 3 and "." not in value


def _is_mixed(value: str) -> bool:
    """Whether upper and lower case change too often for a name in camel case."""
    letters = [letter for letter in value if letter.isalpha()]
    turns = sum(one.islower() and two.isupper() for one, two in itertools.pairwise(letters))
    return len(letters) >= 8 and turns * 6 >= len(letters)
