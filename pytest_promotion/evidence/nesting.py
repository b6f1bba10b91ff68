"""
How deep a YAML text nests and how far its aliases unfold, told from its events before anything is built.

The C parser's nodes nest on the stack: a hundred thousand brackets would end the process, not raise.
Ten levels of ten aliases each are ten billion values to whoever walks through them.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_promotion.errors import Unproven

_DEEPEST: Final = 100
_UNFOLDED: Final = 200_000  # values that aliases may add to those that are written down


def refuse_bombs(text: str, origin: str) -> None:
    """
    Raises `Unproven` where *text*, called *origin*, nests or unfolds further than any document that people write.

    What is not YAML raises the parser's own error.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    measured = _Measured()
    events: Any = yaml.parse(text, Loader=loader)
    for event in events:
        refusal = ""
        if isinstance(event, yaml.CollectionStartEvent):
            refusal = measured.opens(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            measured.closes()
        elif isinstance(event, yaml.ScalarEvent):
            measured.holds(event.anchor, 1)
        elif isinstance(event, yaml.AliasEvent):
            refusal = measured.unfolds(str(event.anchor))
        if refusal:
            raise Unproven(f"{origin} line {event.start_mark.line + 1} {refusal}")


class _Measured:
    """Sizes in values, as they would be with every alias written out."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}  # of what an anchor stands for
        self._open: list[tuple[str | None, int]] = []  # the collections around, each with its anchor and size so far
        self._added = 0

    def opens(self, anchor: str | None) -> str:
        self._open.append((anchor, 1))
        return f"nests deeper than {_DEEPEST} levels" if len(self._open) > _DEEPEST else ""

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
