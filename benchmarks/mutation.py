"""
Mutation testing of the core: which wrong lines do the fast unit tests notice?

    python benchmarks/mutation.py [--modules PATH…] [--tests PATH…] [--survivors] [--folder DIR]

mutmut changes one operator, constant, argument or statement at a time and runs the tests that reach the changed
function. Killed means that a test failed. The work happens in a copy of the tree; nothing here is touched. Exit code
1 if fewer than the floor were killed in any module. `docs/explanation/mutation.md` judges the mutants that survive.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "pytest_promotion"
FLOOR = 0.90
MODULES = [
    "decision/verdict.py",
    "decision/ledger.py",
    "decision/assembly.py",
    "decision/declared_gates.py",
    "decision/wire.py",
    "decision/shards.py",
    "evidence/freshness.py",
    "evidence/measures.py",
    "policy/__init__.py",
    "policy/comparing.py",
    "policy/document.py",
    "policy/resolving.py",
    "policy/strictness.py",
    "policy/suite_rules.py",
    "policy/applicability.py",
    "trust/verify.py",
    "decision/waivers.py",
]
TESTS = ["tests/decision", "tests/evidence", "tests/policy", "tests/trust/test_answer.py"]
# What mutmut calls the exit codes of the tests, as far as they say that no test noticed.
_SURVIVED = {0: "survived", 5: "no test", 33: "no test"}
_PROPERTY = re.compile(r"^( +)@property\n +def (\w+)\(self\)", re.MULTILINE)


def copied(folder: Path, modules: list[str], tests: list[str]) -> None:
    """A copy of what git knows, or would know, of the tree, set up for mutmut."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()
    for name in names.split("\0"):
        source, target = REPOSITORY / name, folder / name
        if name and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for name in modules:
        path = folder / PACKAGE / name
        # mutmut leaves decorated functions alone; the same property as a plain method is mutated like any other.
        path.write_text(
            _PROPERTY.sub(r"\1\2 = property(lambda self: self._get_\2())\n\1def _get_\2(self)", path.read_text())
        )
    settings = {
        "source_paths": [PACKAGE],
        "only_mutate": [f"{PACKAGE}/{name}" for name in modules],
        "also_copy": ["conftest.py"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist"],
        "pytest_add_cli_args_test_selection": tests,
    }
    with (folder / "pyproject.toml").open("a") as file:
        # JSON's texts and lists are TOML's.
        file.write("\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))


def run(folder: Path, processes: int) -> None:
    """Runs mutmut in *folder*."""
    # Processes that a test starts import the copy too, whatever is installed.
    kept = [
        one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and Path(one).resolve() != REPOSITORY
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "mutants"), *kept])}
    (folder / "mutants").mkdir()  # a folder that is not there when Python starts is never looked into
    log = folder / "mutmut.log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(processes)]
        code = subprocess.run(command, cwd=folder, env=environment, stdout=file, stderr=file, check=False).returncode
    if code != 0:
        sys.exit(f"mutmut failed with exit code {code}:\n{log.read_text(errors='replace')[-3000:]}")


def results(folder: Path, modules: list[str]) -> Iterator[tuple[str, str, str]]:
    """The module, the name and the fate of each mutant: killed, survived or no test."""
    for module in modules:
        found = json.loads((folder / "mutants" / PACKAGE / f"{module}.meta").read_bytes())["exit_code_by_key"]
        for name, code in found.items():
            yield module, name, _SURVIVED.get(code, "killed" if code is not None else "not checked")


def shown(folder: Path, name: str) -> str:
    """The change of one mutant."""
    command = [sys.executable, "-m", "mutmut", "show", name]
    text = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
    return "\n".join(line for line in text.splitlines() if re.match(r"[+-](?![+-])", line))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", nargs="+", default=MODULES, help="files of the package that are mutated")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="the tests that have to notice")
    parser.add_argument("--survivors", action="store_true", help="print the change of each mutant that survived")
    parser.add_argument("--folder", type=Path, help="where the copy is made; kept afterwards")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="mutation-"))
    copied(folder, options.modules, options.tests)
    run(folder, options.processes)
    found = list(results(folder, options.modules))
    fates: dict[str, Counter[str]] = {module: Counter() for module in options.modules}
    for module, _, fate in found:
        fates[module][fate] += 1
    print(f"{'module':28} mutants  killed  survived  no test")
    for module, counts in [*fates.items(), ("all", sum(fates.values(), Counter()))]:
        rate = counts["killed"] / max(counts.total(), 1)
        survived = counts["survived"] + counts["not checked"]
        print(f"{module:28} {counts.total():7} {rate:7.1%} {survived:9} {counts['no test']:8}")
    if options.survivors:
        for _, name, fate in found:
            if fate != "killed":
                print(f"\n{name}: {fate}\n{shown(folder, name)}")
    if options.folder is None:
        shutil.rmtree(folder)
    return int(any(counts["killed"] < FLOOR * counts.total() for counts in fates.values()))


if __name__ == "__main__":
    sys.exit(main())
