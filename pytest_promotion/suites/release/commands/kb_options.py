"""What the commands of `promotion kb` share: their flags, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json, say_lines
from pytest_promotion.errors import Unproven
from pytest_promotion.text import clean

if TYPE_CHECKING:
    from pytest_promotion.suites.release.knowledge.policy import Settings

Result = TypeVar("Result")

COUNT: Final = click.IntRange(min=1)
HISTORY: Final = ".runtime/kb_benchmark_history"


def below(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flag that all of `promotion kb` share."""
    return click.option(
        "--root",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        default=Path(),
        help="What paths are below (default: here).",
    )(command)


def measured(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that the benchmark and the monitor share."""
    for option in reversed(
        [
            click.option("--profile", default="prod", show_default=True, help="Profile of the benchmark's policy."),
            click.option("--policy", metavar="FILE", help='The policy; "" for none [backend/config/…policy.json].'),
            click.option(
                "--mode",
                type=click.Choice(["auto", "off", "optional", "required"]),
                default="auto",
                show_default=True,
                help="Whether it blocks; auto leaves that to the policy.",
            ),
            click.option("--cases", metavar="FILE", help="The cases, instead of the policy's."),
            click.option("--corpus", metavar="DIR", help="The documents [backend/config/kb_benchmark_corpus]."),
            click.option("--min-precision", type=float, help="Instead of the policy's, from 0 to 1."),
            click.option("--min-recall", type=float, help="Instead of the policy's, from 0 to 1."),
            click.option("--min-content-recall", type=float, help="Recall by the documents' texts [as --min-recall]."),
            click.option("--min-ndcg", type=float, help="By graded judgements, from 0 to 1: the extra kb-graded."),
            click.option("--min-recall-at-k", type=float, help="The same: relevant documents found, from 0 to 1."),
            click.option("--min-mrr", type=float, help="The same: one by the rank of the first relevant document."),
            click.option("--min-queries", type=COUNT, help="Fewer cases are inconclusive [1]."),
            click.option(
                "--retriever",
                metavar="TEXT",
                help="The application's search: URL or command with {query} and {k}, MODULE:FUNCTION, or a command "
                "that is asked in JSON lines [the built-in index].",
            ),
            click.option("--retriever-ids", metavar="JSONPATH", help="Where a URL's answer names the documents."),
            click.option("--retriever-body", metavar="JSON", help="What is posted to the URL, with {query} and {k}."),
            click.option("--retriever-version", metavar="TEXT", help="What reports call it."),
            click.option(
                "--retriever-timeout-s", type=float, metavar="S", help="Seconds that one answer may take [30]."
            ),
            click.option(
                "--engine",
                type=click.Choice(["fts5", "tantivy"]),
                default="fts5",
                show_default=True,
                help="tantivy for large corpora: the extra kb-large.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        ]
    ):
        command = option(command)
    return below(command)


def resolved(given: dict[str, Any]) -> Settings:
    from pytest_promotion.suites.release.knowledge import policy

    return policy.resolve(
        given["root"],
        given["profile"],
        policy=policy.POLICY if given["policy"] is None else given["policy"],
        mode=given["mode"],
        corpus=given["corpus"] or policy.CORPUS,
        **{name: given[name] for name in policy.ProfileRules.__struct_fields__ if name != "mode"},
    )


def judged(work: Callable[[], Result]) -> Result:
    """What *work* returns; what stands in its way as an exit code: 4 for what was given, 3 for what was found."""
    import sqlite3

    with command_errors():
        try:
            return work()
        except sqlite3.Error as problem:
            raise Unproven(f"the index cannot be used: {problem}") from None


def show(report: Mapping[str, Any], lines: Callable[[Mapping[str, Any]], list[str]], *, as_json: bool) -> None:
    if as_json:
        say_json(report, indent=2)
    else:
        say_lines(lines(clean(report)))
