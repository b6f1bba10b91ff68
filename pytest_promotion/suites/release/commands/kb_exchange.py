"""`promotion kb import` and `promotion kb export`: collections of questions and judgements of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from pytest_promotion.cli.output import say_lines
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.commands.kb_options import judged

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_CASES: Final = click.option("--cases", type=_FILE, required=True, help="The cases file to write, a new one.")
_FROM_CASES: Final = click.option("--cases", type=_FILE, required=True, help="The cases to write out.")
_CORPUS: Final = click.option("--corpus", type=_FOLDER, required=True, help="The folder with the documents.")
_OUTPUT: Final = click.option("--output-dir", type=_FOLDER, required=True, help="The folder to write, a new one.")


@click.group("import", epilog="Example: promotion kb import beir scifact --corpus corpus --cases cases.json")
def import_group() -> None:
    """Make a corpus and cases of a collection of BEIR, or cases of TREC's judgements."""


@click.group("export", epilog="Example: promotion kb export beir --cases cases.json --corpus corpus --output-dir beir")
def export_group() -> None:
    """Write cases, corpus and answers for other tools."""


@import_group.command("beir", epilog="Example: promotion kb import beir scifact --corpus corpus --cases cases.json")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--split", default="test", show_default=True, help="Which of the files in qrels/.")
@click.option("--corpus", type=_FOLDER, required=True, help="The corpus folder to write, a new one.")
@_CASES
def import_beir(folder: Path, split: str, corpus: Path, cases: Path) -> int:
    """
    Make a corpus and cases of the BEIR collection in FOLDER.

    Exit 0 where both were written, 3 where the collection is not whole, 4 for wrong usage.
    """
    from pytest_promotion.suites.release.knowledge.corpus import PACK
    from pytest_promotion.suites.release.knowledge.exchange import importing

    def work() -> str:
        _refuse_existing(cases, corpus)
        pack, rows = importing.beir(folder, split)
        _write({corpus / PACK: _json(pack), cases: _json(rows)})
        return f"{len(pack)} documents, {len(rows)} cases"

    say_lines([judged(work)])
    return 0


@import_group.command("trec", epilog="Example: promotion kb import trec --qrels q.txt --queries q.tsv --cases c.json")
@click.option("--qrels", type=_FILE, required=True, help="Judgements: question, 0, document, grade.")
@click.option("--queries", type=_FILE, required=True, help="Questions: id, tab, text.")
@_CASES
def import_trec(qrels: Path, queries: Path, cases: Path) -> int:
    """
    Make cases of judgements and questions in TREC's formats.

    Exit 0 where they were written, 3 where the files are not whole, 4 for wrong usage.
    """
    from pytest_promotion.suites.release.knowledge.exchange import importing

    def work() -> str:
        _refuse_existing(cases)
        rows = importing.trec(qrels, queries)
        _write({cases: _json(rows)})
        return f"{len(rows)} cases"

    say_lines([judged(work)])
    return 0


@export_group.command(
    "beir", epilog="Example: promotion kb export beir --cases c.json --corpus corpus --output-dir beir"
)
@_FROM_CASES
@_CORPUS
@_OUTPUT
def export_beir(cases: Path, corpus: Path, output_dir: Path) -> int:
    """
    Write corpus.jsonl, queries.jsonl and qrels/test.tsv.

    Exit 0 where they were written, 3 where there are no judgements, 4 for wrong usage.
    """
    from pytest_promotion.suites.release.knowledge.exchange import exporting

    say_lines([judged(lambda: _export(exporting.beir(*_read(cases, corpus)), output_dir))])
    return 0


@export_group.command("trec", epilog="Example: promotion kb export trec --cases c.json --corpus docs --output-dir trec")
@_FROM_CASES
@_CORPUS
@_OUTPUT
@click.option("--report", type=_FILE, help="A report of the benchmark, whose answers are written as run.txt.")
def export_trec(cases: Path, corpus: Path, output_dir: Path, report: Path | None) -> int:
    """
    Write qrels.txt, queries.tsv and run.txt.

    Exit 0 where they were written, 3 where there are no judgements or the report is about other cases, 4 for wrong
    usage.
    """
    from pytest_promotion.json_files import read_object
    from pytest_promotion.suites.release.knowledge.exchange import exporting

    def work() -> str:
        asked, _ = _read(cases, corpus)
        return _export(exporting.trec(asked, read_object(report) if report else None), output_dir)

    say_lines([judged(work)])
    return 0


def _read(cases: Path, corpus: Path) -> tuple[list[Any], Any]:
    from pytest_promotion.suites.release.knowledge import benchmark
    from pytest_promotion.suites.release.knowledge import cases as questions
    from pytest_promotion.suites.release.knowledge import corpus as documents

    kept = documents.read(corpus)
    return [benchmark.labelled(case, kept) for case in questions.read(cases)[0]], kept


def _export(files: Mapping[str, str], folder: Path) -> str:
    _refuse_existing(folder)
    _write({folder / name: content for name, content in files.items()})
    return f"{', '.join(files)} in {folder}"


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise PolicyError(f"{path} is there already, and nothing is written over it")


def _write(files: Mapping[Path, str]) -> None:
    from pytest_promotion.json_files import write

    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, content)


def _json(rows: list[dict[str, Any]]) -> str:
    import json

    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
