"""What is installed is what is here: a wheel that lacks a file works on every machine but the user's."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "pytest_promotion"
MADE = {"__pycache__", "node_modules"}  # by those who ran something here


def test_the_wheel_has_every_file_of_the_package_and_no_other(tmp_path):
    """Migrations, schemas, templates and the JavaScript are data to a builder, and easily left out."""
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(built, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if not name.endswith("/") and ".dist-info/" not in name}
    here = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / PACKAGE).rglob("*")
        if path.is_file() and not MADE.intersection(path.parts)
    }
    assert packed == here
    assert f"{PACKAGE}/candidates/revisions/env.py" in packed
