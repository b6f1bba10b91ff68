"""The table of command lines in docs/how-to/release.md, run row by row."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.release.conftest import REPOSITORY
from tests.release.test_sessions import needs_compose

PAGE = (REPOSITORY / "docs/how-to/release.md").read_text()
ROWS = re.findall(r"^\| `(--[^`]*)` \| `(--[^`]*)` \| (\d) \|$", PAGE, flags=re.MULTILINE)


def test_the_table_is_found():
    """A pattern that matches nothing runs nothing."""
    assert len(ROWS) == 15


@needs_compose
@pytest.mark.slow
@pytest.mark.parametrize(("line", "code"), [(line, int(code)) for _, line, code in ROWS], ids=[row[1] for row in ROWS])
def test_each_command_line_ends_as_the_page_says(whole, decide, line, code):
    """A flag that a migration guide promises and nobody runs fails on the day of the release."""
    if code == 4:
        from click.testing import CliRunner

        from pytest_promotion.cli import main

        assert CliRunner().invoke(main, ["gates", *shlex.split(line)]).exit_code == 4
        return
    decision, done = decide(whole, *shlex.split(line))
    assert done.returncode == code, done.stdout
    assert decision["passed"] is (code == 0)
