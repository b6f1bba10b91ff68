"""
How deep a YAML text nests and how far its aliases unfold, measured on its events before anything is built.

The nodes of the C parser nest on the stack: a hundred thousand brackets would end the process, not raise.
Some versions of libyaml limit the depth themselves, while they scan ahead and before the events are out. The limit and
the message here do not depend on theirs.
Ten levels of ten aliases each are ten billion values to code that walks through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.errors import Unproven

DEEPEST: Final = 100
_UNFOLDED: Final = 200_000  # values that aliases may add to those that are written down
# A simple key may be 1024 characters long, so a scanner reads that far before it returns the event before it.
_LOOKAHEAD: Final = 4096


class TooDeep(Exception):
    """A YAML text nests deeper than `DEEPEST` levels; `line` is where, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} nests deeper than {DEEPEST} levels")
        self.line = line


def events(text: str) -> Iterator[Any]:
    """
    PyYAML's events of *text*.

    Raises:
        TooDeep: when more than `DEEPEST` collections are open, whether or not the parser has a limit of its own.
        yaml.YAMLError: the parser's own error, where *text* is not YAML.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth, position, line = 0, 0, 0
    try:
        event: Any
        for event in yaml.parse(text, Loader=loader):
            position, line = event.end_mark.index, event.end_mark.line
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                raise TooDeep(event.start_mark.line + 1)
            yield event
    except yaml.YAMLError:
        if _opens(text[position : position + _LOOKAHEAD]) > DEEPEST - depth:
            raise TooDeep(line + 1) from None
        raise


def _opens(text: str) -> int:
    """How many levels *text* opens at most, by the scanner that is written in Python and has no limit."""
    import yaml

    opening = (
        yaml.FlowSequenceStartToken,
        yaml.FlowMappingStartToken,
        yaml.BlockSequenceStartToken,
        yaml.BlockMappingStartToken,
    )
    closing = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
    depth = deepest = 0
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            depth += isinstance(token, opening) - isinstance(token, closing)
            deepest = max(deepest, depth)
    except yaml.YAMLError:
        pass  # the text is cut, and it was refused already: only the depth that was reached matters
    return deepest


def refuse_bombs(text: str, origin: str) -> None:
    """
    Raises `Unproven` where *text*, called *origin*, nests or unfolds further than any document that people write.

    What is not YAML raises the parser's own error.
    """
    import yaml

    measured = _Measured()
    try:
        for event in events(text):
            refusal = ""
            if isinstance(event, yaml.CollectionStartEvent):
                measured.opens(event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                measured.closes()
            elif isinstance(event, yaml.ScalarEvent):
                measured.holds(event.anchor, 1)
            elif isinstance(event, yaml.AliasEvent):
                refusal = measured.unfolds(str(event.anchor))
            if refusal:
                raise Unproven(f"{origin} line {event.start_mark.line + 1} {refusal}")
    except TooDeep as problem:
        raise Unproven(f"{origin} {problem}") from None


class _Measured:
    """Sizes in values, as they would be with every alias written out."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}  # of what an anchor stands for
        self._open: list[tuple[str | None, int]] = []  # the collections around, each with its anchor and size so far
        self._added = 0

    def opens(self, anchor: str | None) -> None:
        self._open.append((anchor, 1))

    def closes(self) -> None:
        self.holds(*self._open.pop())

    def holds(self, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._sizes[anchor] = size
        if self._open:
            outer, so_far = self._open[-1]
            self._open[-1] = (outer, so_far + size)

    def unfolds(self, anchor: str) -> str:
        if any(anchor == outer for outer, _ in self._open):
            return "has a value that contains itself"
        size = self._sizes.get(anchor, 1)
        self._added += size
        self.holds(None, size)
        return f"unfolds into more than {_UNFOLDED} values by its aliases" if self._added > _UNFOLDED else ""
