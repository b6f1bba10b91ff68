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
    sizes: dict[str, int] = {}  # of what an anchor stands for, aliases unfolded
    open_: list[tuple[str | None, int]] = []  # the collections around, each with its anchor and its size so far
    added = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, 1))
            if len(open_) > _DEEPEST:
                raise Unproven(f"{origin} nests deeper than {_DEEPEST} levels at line {event.start_mark.line + 1}")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_.pop()
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.AliasEvent):
            if any(event.anchor == outer for outer, _ in open_):
                raise Unproven(f"{origin} has a value that contains itself, at line {event.start_mark.line + 1}")
            anchor, size = None, sizes.get(event.anchor, 1)
            added += size
            if added > _UNFOLDED:
                where = event.start_mark.line + 1
                raise Unproven(f"{origin} unfolds into more than {_UNFOLDED} values by its aliases, at line {where}")
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        if open_:
            outer, so_far = open_[-1]
            open_[-1] = (outer, so_far + size)
