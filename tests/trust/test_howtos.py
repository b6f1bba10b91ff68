"""What the pages on exceptions tell people to type does what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sessions import WITHOUT_OTHERS
from tests.trust.firm import GATES, Desk, later

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


def blocks(page, language):
    """The blocks of a page, in their order."""
    return re.findall(rf"^```{language}.*?\n(.*?)^```$", (PAGES / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def office(firm, tmp_path):
    """A project as the page sets it up, with a gate that fails; each person has a key of OpenSSH in it."""
    desk = Desk(tmp_path / "office", firm)
    policy, signers = blocks("waive", "yaml")
    desk.file("promotion.yaml", policy)
    desk.file("gates/test_gates.py", GATES.partition('\n@pytest.mark.critical(owner="ops", fix="write')[0] + "\n")
    for name in re.findall(r"name: (\w+)", signers):
        key = desk.path / name
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, stdin=subprocess.DEVNULL
        )
        signers = re.sub(
            rf'(name: {name},.*key: )"[^"]*"', rf'\1"{key.with_suffix(".pub").read_text().strip()}"', signers
        )
    desk.file("signers.yaml", re.sub(r'(valid_until: )"[^"]*"', rf'\1"{later(days=30)}"', signers))
    assert desk.decide()["status"] == "FAIL"
    return desk


def run(desk, block, **names):
    """A block of a page in the shell."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-ec", block],
        cwd=desk.path,
        env={
            "PYTEST_ADDOPTS": WITHOUT_OTHERS,
            "PATH": path,
            "HOME": str(desk.path),
            **{key: str(value) for key, value in names.items()},
        },
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_the_page_on_waivers(office):
    """A page that was never typed in is a guess."""
    assert blocks("waive", "sh")
    for block in blocks("waive", "sh"):
        done = run(office, block, EXPIRES=later(days=3))
        assert done.returncode == 0, done.stderr
    alone = office.decide()
    assert alone["reasons"] == ["no critical gate passed by itself: every one of them was waived"]
    office.file(
        "gates/test_other.py",
        "import pytest\n\n@pytest.mark.critical\ndef test_other(measure):\n    measure.at_least('n', 2, 1)\n",
    )
    passed = office.decide()
    outcomes = [check["outcome"] for check in passed["checks"]]
    assert (passed["status"], outcomes) == ("PASS", ["WAIVED", "PASS"]), passed["reasons"]


def test_the_page_on_breaking_the_glass(office):
    """Whoever needs it has no time to find out what it meant."""
    [rule] = blocks("break-glass", "yaml")
    text = (office.path / "promotion.yaml").read_text()
    office.file("promotion.yaml", text.replace("exceptions:\n", rule, 1))
    assert office.decide()["status"] == "FAIL"
    asked, verified, answered = blocks("break-glass", "sh")
    stem = office.latest.resolve().parent / "overrides"
    create, signing = asked.split("promotion override sign", 1)
    done = run(office, create, EXPIRES=later(hours=8))
    assert done.returncode == 0, done.stderr
    [override] = stem.glob("*.override.json")
    done = run(office, f"promotion override sign{signing}", OVERRIDE=override)
    assert done.returncode == 0, done.stderr
    done = run(office, verified, OVERRIDE=override)
    assert done.returncode == 5, done.stdout + done.stderr
    office.file("inc-7.md", "# INC-7\n")
    done = run(office, answered, OVERRIDE=override)
    assert done.returncode == 0, done.stderr
    assert override.with_name(override.name.replace(".override.json", ".post-mortem.json")).exists()
