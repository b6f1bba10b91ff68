"""A suite of a third party, as its distribution would register it."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_promotion.suites import registry

FILES = {
    "__init__.py": """
        from pathlib import Path

        from pytest_promotion import Suite

        suite = Suite(
            name="acme",
            version="1.4.0",
            summary="Whether a release of Acme may go out.",
            gates="acme_suite.gates",
            policy=Path(__file__).parent / "gates" / "promotion.yaml",
            commands={"audit": "acme_suite.commands:audit"},
            templates=Path(__file__).parent / "templates",
            producers={"scores": {"command": ["{python}", "-c", "print(1)"], "writes": ["evidence/scores.json"]}},
        )
        """,
    "templates/evidence/README": "What is judged is written here.\n",
    "commands.py": """
        import click

        @click.command()
        def audit():
            "Audit a release."
            click.echo("audited")
            return 2
        """,
    "gates/__init__.py": """
        from acme_suite import suite
        from pytest_promotion import export_gates

        __all__ = export_gates(suite, globals())
        """,
    "gates/conftest.py": """
        import pytest

        @pytest.fixture
        def report(artifact, freshness):
            found = artifact("evidence/good.json")
            freshness(found)
            return found
        """,
    "gates/test_scores.py": '''
        import pytest

        @pytest.mark.critical(owner="acme", fix="score again")
        def test_score(report, measure, policy):
            """The score is high enough."""
            measure.at_least("score", report["score"], policy["min_score"])

        @pytest.mark.critical(owner="acme", fix="sign it")
        def test_signed(report):
            """It is signed."""
            assert report["signed"] == "yes"
        ''',
    "gates/promotion.yaml": """
        version: 1
        required: [score]
        evidence: required
        gates:
          score: {thresholds: {min_score: 0.5}, stricter: {min_score: higher}}
        profiles:
          prod:
            required: [score, signed]
        """,
}


@pytest.fixture
def acme(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the package `acme_suite`, installed: importable with its entry point, here and in child processes."""
    site = tmp_path_factory.mktemp("site")
    write(site / "acme_suite", FILES)
    write(
        site / "acme_suite-1.4.0.dist-info",
        {
            "METADATA": "Metadata-Version: 2.1\nName: acme-suite\nVersion: 1.4.0\n",
            "entry_points.txt": f"[{registry.GROUP}]\nacme = acme_suite:suite\n",
        },
    )
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    forget()
    yield site / "acme_suite"
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_suite"]:
        del sys.modules[name]


def forget() -> None:
    """What is installed is looked up once a process."""
    registry._entries.cache_clear()
    registry.find.cache_clear()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))


@pytest.fixture
def policy_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes `promotion.yaml` and gives its path."""

    def written(text: str) -> Path:
        path = tmp_path / "promotion.yaml"
        path.write_text("version: 1\n" + textwrap.dedent(text))
        return path

    return written
