"""What the tools said, side by side: as a table for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from pytest_promotion.conformance.cases import CONTROL, Case
from pytest_promotion.conformance.trial import Tool, Trial

LEGEND: Final = (
    "*goes green*: exit code 0, for this plugin also a finished decision PASS. *no PASS*: nothing could set the exit "
    "code any more, and there is no decision PASS; `promotion verify` refuses. "
    "*not run*: the case uses fixtures of this plugin, which other tools do not have."
)


class Comparison:
    """The trials of some cases by some tools."""

    def __init__(self, cases: Sequence[Case], tools: Sequence[Tool], trials: Iterable[Trial]) -> None:
        self.cases = cases
        self.tools = tools
        self._trials = {(one.case, one.tool): one for one in trials}

    @property
    def untrusted(self) -> list[Tool]:
        """The tools that are red where nothing is wrong."""
        return [tool for tool in self.tools if not self._trials[CONTROL.id, tool.name].promoted]

    def green(self, tool: Tool, numbered: bool = False) -> list[Case]:
        """The broken candidates that *tool* would promote, of all or of the *numbered* list only."""
        counted = [case for case in self.cases if case.number is not None or not numbered]
        return [case for case in counted if (trial := self._of(case, tool)) is not None and trial.promoted]

    def _of(self, case: Case, tool: Tool) -> Trial | None:
        """What *tool* said of *case*; None where the case says nothing of it."""
        return self._trials.get((case.id, tool.name))

    def rows(self) -> list[tuple[str, ...]]:
        """A row a case: its number or "+", what happens, and what each tool makes of it."""
        return [
            (
                str(case.number or "+"),
                case.what,
                *(trial.shown if (trial := self._of(case, tool)) is not None else "not run" for tool in self.tools),
            )
            for case in self.cases
        ]

    def counts(self) -> list[tuple[str, str]]:
        """For each tool how many it lets through: "27 of 33, with those found later 200 of 300"."""
        listed = sum(case.number is not None for case in self.cases)
        told = []
        for tool in self.tools:
            everything = sum(self._of(case, tool) is not None for case in self.cases)
            text = f"{len(self.green(tool, numbered=True))} of {listed}"
            if everything > listed:
                text += f", with those found later {len(self.green(tool))} of {everything}"
            told.append((tool.name, text))
        return told

    def document(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "tools": [
                {"name": tool.name, "control_passes": tool not in self.untrusted, "goes_green": len(self.green(tool))}
                for tool in self.tools
            ],
            "cases": [
                {
                    "id": case.id,
                    "number": case.number,
                    "what": case.what,
                    "results": {
                        tool.name: {"exit_code": trial.exit_code, "goes_green": trial.promoted}
                        for tool in self.tools
                        if (trial := self._of(case, tool)) is not None
                    },
                }
                for case in self.cases
            ],
        }


def as_markdown(comparison: Comparison) -> str:
    """The table as Markdown."""
    head = ("", "what happens", *(tool.name for tool in comparison.tools))
    lines = [_row(head), _row(("---",) * len(head))]
    lines += [_row(_bold(row)) for row in comparison.rows()]
    return "\n".join(lines) + "\n\n" + LEGEND + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _bold(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("**goes green**" if cell == "goes green" else cell for cell in row)


def as_text(comparison: Comparison) -> str:
    """The table for a terminal, and how many each tool lets through."""
    rows = [("", "what happens", *(tool.name for tool in comparison.tools)), *comparison.rows()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    width = max(len(tool.name) for tool in comparison.tools)
    lines += [""] + [f"{name.ljust(width)}  lets through {text}" for name, text in comparison.counts()]
    return "\n".join(lines) + "\n"
