"""
The rules: the structured detectors of bc-detect-secrets, and our own beside them.

The library's detectors are used through its package (Apache-2.0), each with its own judgement
of what its pattern found. Its two detectors by entropy and its one by keyword are not: they
take every SHA-256 for a secret. Of its filters only those on the value apply (masked, templated);
its pragmas, lists of file names and limits on a line's length do not, since an exemption
belongs in the allow-list, with a reason and an end.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.secrets import keywords, logins, tokens
from pytest_promotion.secrets.lines import Line, Match
from pytest_promotion.secrets.placeholders import is_placeholder

_SHORTEST: Final = 8  # a captured group below this is a part of a token, such as its prefix


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a line that none of its patterns matches has no secret of its kind."""

    name: str
    patterns: tuple[re.Pattern[str], ...]
    find: Callable[[Line], Iterator[Match]]
    looks_around: bool = False  # whether it needs the lines before and after


@functools.cache
def rules() -> tuple[Rule, ...]:
    """All rules. Raises `Unproven` where the library is not installed."""
    own = [
        Rule(name, (pattern,), functools.partial(tokens.find_form, name)) for name, pattern in tokens.PATTERNS.items()
    ]
    return (
        *library(),
        *own,
        Rule("private-key", (tokens.PEM,), tokens.find_private_keys, looks_around=True),
        Rule("encoded-login", (logins.ENCODED, logins.DOCKER, logins.ENCODED_KEY), logins.find_encoded),
        Rule("netrc", (logins.NETRC,), logins.find_netrc, looks_around=True),
        Rule("command-line", (logins.COMMAND,), logins.find_in_commands),
        Rule("named-value", (logins.NAME_VALUE, logins.VALUE), logins.find_name_value, looks_around=True),
        Rule("authorization", (keywords.HEADER, keywords.BEARER), keywords.find_headers),
        Rule("keyword", (keywords.KEYED,), keywords.find_keyed),
    )


@functools.cache
def library() -> tuple[Rule, ...]:
    """The library's structured detectors as rules. Raises `Unproven` where it is not installed."""
    try:
        plugins = importlib.import_module("detect_secrets.plugins")
        base = importlib.import_module("detect_secrets.plugins.base").RegexBasedDetector
    except ImportError:
        raise Unproven(
            "the secrets scan needs bc-detect-secrets, which is not installed: pip install 'pytest-promotion[scan]'"
        ) from None
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(plugins.__path__):
        for kind in vars(importlib.import_module(f"{plugins.__name__}.{module.name}")).values():
            if inspect.isclass(kind) and issubclass(kind, base) and kind is not base and not inspect.isabstract(kind):
                found[kind.__name__] = kind
    if not found:
        raise Unproven("the installed bc-detect-secrets has no structured detector: expected version 1.5 or newer")
    return tuple(_rule(found[name]()) for name in sorted(found))


def _rule(detector: Any) -> Rule:
    name = re.sub(r"[^a-z0-9]+", "-", detector.secret_type.lower()).strip("-")
    return Rule(name, tuple(detector.denylist), functools.partial(_find, detector, name), looks_around=True)


def _find(detector: Any, name: str, line: Line) -> Iterator[Match]:
    from detect_secrets.util.code_snippet import CodeSnippet

    around = [*line.before, line.text, *line.after]
    context = CodeSnippet(around, 0, len(line.before))
    # No file name: one detector would open the file, another trusts some names.
    seen = detector.analyze_line(filename="", line=line.text, line_number=1, context=context)
    values = {one.secret_value for one in seen}
    placed = set()
    for pattern in detector.denylist:
        for found in pattern.finditer(line.text):
            group = next((n for n in range(1, len(found.groups()) + 1) if found[n] in values and found[n]), 0)
            if found[group] not in values:
                continue
            placed.add(found[group])
            group = group if len(found[group]) >= _SHORTEST else 0
            if not is_placeholder(found[group]):
                yield Match(name, 0, found.start(group), found.end(group), detector.secret_type)
    for value in values - placed:  # a detector that hands out something else than its groups
        at = max(line.text.find(value or ""), 0)
        yield Match(name, 0, at, at + len(value) if value else len(line.text), detector.secret_type)
