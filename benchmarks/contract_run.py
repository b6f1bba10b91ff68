"""
What the contract of a trading system costs over pytest itself.

    python benchmarks/contract_run.py WORKSPACE [AS_OF]

The whole process `pytest gates/trading`, judging the workspace and writing its decision,
against the whole process of a bare pytest that runs as many empty tests in as many files.
Target: less than 2.5 times its CPU time.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from side_by_side import REPOSITORY, cpu, pytest_command, ratio, table, take_turns

ROUNDS = 9
TARGET = 2.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("as_of", nargs="?", help="the moment at which the evidence was fresh, in ISO 8601")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gates = _lay_out(folder)
        ours = ("gates/trading", "--promotion-policy", "gates/trading/promotion.yaml", "--promotion-reports", "reports")
        root = ("--promotion-root", str(given.workspace.resolve()))
        commands = {
            "bare": pytest_command("-p", "no:promotion", "empty"),
            "now": pytest_command(*ours, *root),
        }
        if given.as_of:
            commands["as of"] = pytest_command(*ours, *root, "--promotion-as-of", given.as_of)
        # What the gates conclude about this workspace is not the question here: 1 is a decision too.
        spent = take_turns(commands, folder, given.rounds, expected=(0, 1))
    rows = []
    bare = spent.pop("bare")
    for what, runs in spent.items():
        figure = ratio([run.cpu_s for run in runs], [run.cpu_s for run in bare])
        met = "met" if figure < TARGET else "missed"
        rows.append((what, f"{cpu(runs):.3f} s", f"{cpu(bare):.3f} s", f"{figure:.2f}", f"< {TARGET}: {met}"))
    table(
        f"The {gates} gates of gates/trading against {gates} empty tests (CPU time, median of {given.rounds})",
        ("decision", "pytest gates/trading", "bare pytest", "ratio", "target"),
        rows,
    )


def _lay_out(folder: Path) -> int:
    """The gates as they are, and as many empty tests in as many files; returns how many."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    shutil.copytree(REPOSITORY / "gates" / "trading", folder / "gates" / "trading", ignore=_caches)
    (folder / "empty").mkdir()
    (folder / "empty" / "conftest.py").write_text("")
    gates = 0
    for path in sorted((folder / "gates" / "trading").glob("test_*.py")):
        names = list(_tests(path))
        gates += len(names)
        body = "".join(f"def {name}():\n    pass\n\n\n" for name in names)
        (folder / "empty" / path.name.replace("test_", "test_no_")).write_text(body)
    return gates


def _tests(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        if line.startswith("def test_"):
            yield line.removeprefix("def ").partition("(")[0]


def _caches(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]


if __name__ == "__main__":
    main()
