"""
Templates of workflows, whose own braces and dollar signs stay as they are.

`<<name>>` stands for a value. A line `%include NAME` is the template of that name, `%script NAME` a script, and
`%lines NAME` a list of lines, each indented as the line is; `%groovy NAME` is either of the two, for a string of
Groovy. What is between `%if NAME` and `%end` stays where the value is neither empty nor false.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(__file__).parent
_DIRECTIVE: Final = re.compile(r"( *)%(include|script|lines|groovy|if|end) ?(\w*)")
_VALUE: Final = re.compile(r"<<(\w+)>>")


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """
    The template at *template*, below this folder, with *values* filled in.

    Raises:
        KeyError: for a value that there is not.
    """
    path = _FOLDER / template
    return "".join(f"{line}\n" for line in _lines(path, values))


def _lines(path: Path, values: Mapping[str, Any]) -> Iterator[str]:
    shown = True
    for line in path.read_text(encoding="utf-8").splitlines():
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            if shown:
                yield _VALUE.sub(lambda one: str(values[one[1]]), line)
            continue
        indent, word, name = found.groups()
        if word in ("if", "end"):
            shown = word == "end" or bool(values[name])
        elif shown:
            yield from (f"{indent}{one}" if one else "" for one in _included(path, word, name, values))


def _included(path: Path, word: str, name: str, values: Mapping[str, Any]) -> Iterator[str] | Sequence[str]:
    if word == "groovy":
        kind = "lines" if name in values and not (_FOLDER / "scripts" / f"{name}.sh").exists() else "script"
        return (line.replace("\\", "\\\\") for line in _included(path, kind, name, values))
    if word == "lines":
        lines: Sequence[str] = values[name]
        return lines
    folder = _FOLDER / "scripts" if word == "script" else path.parent
    suffix = ".sh" if word == "script" else path.suffix
    return _lines(folder / f"{name}{suffix}", values)
