"""The documentation says what the code does: every name that users rely on stands in the reference."""

from __future__ import annotations

import json
import re
import textwrap
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

import pytest_promotion
from pytest_promotion import policy, suites
from pytest_promotion.cli import main
from pytest_promotion.model import Outcome, Scope, Severity, Status
from pytest_promotion.plugin import hookspecs
from pytest_promotion.reporting.json import provisional
from pytest_promotion.suites import registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
# Their keys are the users' own.
FREE = {"overrides", "subject.digest"}

# When the decisions below were asked for: what expired a second later has expired by now.
ASKED = datetime.now(UTC) - timedelta(minutes=5)

EVERYTHING = """
import sys

import pytest


@pytest.mark.critical(owner="ops", fix="mend it")
def test_everything(artifact, freshness, measure, command, policy):
    '''It looks at everything there is.'''
    report = artifact("evidence/good.json")
    freshness(report)
    artifact("made.txt", max_age="none", because="made in this test").about("manifest.md")
    assert artifact("manifest.md", max_age="none", because="what is promoted").text
    measure.at_least("score", report["score"], policy["least"], min_samples=1, samples=2)
    assert command([sys.executable, "-c", ""]).exit_code == 0
"""

POLICY = """
version: 1
release_manifest: manifest.md
gates: {everything: {thresholds: {least: 0.5}}}
producers:
  manifest: {command: ["{python}", -c, "open('manifest.md', 'a').write('a')"], writes: [manifest.md]}
  made: {command: ["{python}", -c, "open('made.txt', 'a').write('a')"], writes: [made.txt], inputs: [manifest.md]}
refresh: [manifest, made]
"""


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def in_ticks(text: str) -> set[str]:
    """What stands in single backticks, fenced blocks left out."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Every key of a document, as `a.b` and `a[].b`."""
    if isinstance(value, dict) and path not in FREE:
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            yield inner
            yield from fields(item, inner)
    elif isinstance(value, list):
        for item in value:
            yield from fields(item, f"{path}[]")


def blocks(text: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}[^\n]*\n(.*?)^\1```", text, flags=re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(body) for _, body in found]


def listed(pytester: pytest.Pytester, option: str) -> str:
    """What pytest prints about the plugin."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", option).stdout.str()


def test_every_option_is_in_the_reference(place: Any) -> None:
    """A user who cannot find an option overrides something else, or edits the policy."""
    options = set(re.findall(r"^ +(--promotion-[a-z-]+)", listed(place.pytester, "--help"), flags=re.MULTILINE))
    documented = {word.split()[0] for word in in_ticks(page("reference/options"))}
    assert len(options) >= 7
    assert options <= documented


def test_every_ini_name_is_in_the_reference(place: Any) -> None:
    """A misspelt ini name is ignored by pytest without strict configuration."""
    names = set(re.findall(r"^ +(promotion_[a-z_]+) \(", listed(place.pytester, "--help"), flags=re.MULTILINE))
    assert len(names) >= 8
    assert names <= in_ticks(page("reference/options"))


def test_the_reference_names_no_option_that_is_not_there(place: Any) -> None:
    """A documented option that does not exist ends a pipeline with a usage error."""
    there = set(re.findall(r"--promotion-[a-z-]+", listed(place.pytester, "--help")))
    for path in PAGES:
        named = set(re.findall(r"--promotion-[a-z]+(?:-[a-z]+)*", path.read_text(encoding="utf-8")))
        assert named <= there, path.name


def test_every_marker_keyword_is_in_the_reference(place: Any) -> None:
    """An owner nobody knew they could name is an owner nobody calls."""
    found = re.findall(r"@pytest\.mark\.(critical|warning)\(([a-z, ]+)\)", listed(place.pytester, "--markers"))
    assert {name for name, _ in found} == {severity.value for severity in Severity}
    documented = in_ticks(page("reference/gates"))
    for name, keywords in found:
        assert {name, *keywords.split(", ")} <= documented


def test_every_fixture_is_in_the_reference(place: Any) -> None:
    """A gate whose author does not know `measure` compares by hand, and NaN passes."""
    place.write(test_everything=EVERYTHING)
    done = place.pytester.runpytest_subprocess("gates", "--fixtures").stdout.str()
    names = set(re.findall(r"^([a-z]\w+) -- .*pytest_promotion.plugin.fixtures\.py", done, flags=re.MULTILINE))
    assert {"artifact", "measure"} <= names
    assert {f"## `{name}`" for name in names} <= set(page("reference/fixtures").splitlines())


def test_every_hook_is_in_the_reference() -> None:
    """Whoever archives decisions needs the hook's name and arguments."""
    names = {name for name in vars(hookspecs) if name.startswith("pytest_")}
    assert names
    assert all(f"`{name}(" in page("reference/gates") for name in names)


def test_every_exported_exception_is_in_the_reference() -> None:
    """A gate that expects the wrong exception swallows the right one."""
    names = {name for name in pytest_promotion.__all__ if isinstance(getattr(pytest_promotion, name), type)}
    raised = {name for name in names if issubclass(getattr(pytest_promotion, name), Exception)}
    assert {f"pytest_promotion.{name}" for name in raised} <= in_ticks(page("reference/fixtures"))


def test_every_policy_key_is_in_the_reference() -> None:
    """A key nobody knows of leaves its default in force, and the defaults are the lenient ones."""
    found = policy.schema()
    documented = in_ticks(page("reference/policy"))
    keys = {key for kind in found["$defs"].values() for key in kind.get("properties", {})}
    choices = re.findall(r'"enum": \[([^\]]+)\]', json.dumps(found))
    values = {value for choice in choices for value in re.findall(r'"(\w+)"', choice)}
    assert {"required", "profiles", "mtime"} <= keys
    assert keys | values <= documented


def test_every_field_of_a_decision_is_in_the_reference(place: Any) -> None:
    """A program that acts on a field nobody described acts on a guess."""
    place.write(test_everything=EVERYTHING)
    place.file("promotion.yaml", POLICY)
    place.file("manifest.md", "what is promoted")
    place.run("--junitxml=junit.xml", "--promotion-set=least=0.4")
    document = place.latest()
    assert document["status"] == "PASS", document["reasons"]
    documented = in_ticks(page("reference/decision"))
    groups = {"evidence_bundle", "policy", "git", "clock", "tool"}  # only their fields have rows
    assert set(fields(document)) - groups <= documented


def test_every_field_of_the_provisional_document_is_in_the_reference() -> None:
    """The document of a session that was killed is the one that must be read rightly."""
    section = page("reference/decision").partition("## The provisional document")[2]
    assert set(provisional("run", "now", "ci")) <= in_ticks(section)


def test_the_reference_names_no_field_that_is_not_there(place: Any) -> None:
    """A reader of a field that does not exist gets nothing, and may take it for good news."""
    place.write(test_everything=EVERYTHING)
    place.file("promotion.yaml", POLICY)
    place.file("manifest.md", "what is promoted")
    place.run("--junitxml=junit.xml")
    rows = re.findall(r"^\| `([^`]+)` \|", page("reference/decision"), flags=re.MULTILINE)
    assert set(rows) <= set(fields(place.latest()))


@pytest.mark.parametrize("kind", [Outcome, Status, Scope], ids=lambda kind: kind.__name__)
def test_every_outcome_status_and_scope_has_a_row(kind: Any) -> None:
    """A word without a meaning is read as the friendliest one."""
    rows = set(re.findall(r"^\| `([^`]+)` \|", page("reference/outcomes"), flags=re.MULTILINE))
    assert {member.value for member in kind} <= rows


def test_every_severity_is_in_the_reference() -> None:
    """The two severities are the whole vocabulary of a gate's author."""
    assert {severity.value for severity in Severity} <= in_ticks(page("reference/gates"))


@pytest.mark.parametrize("code", list(pytest.ExitCode), ids=lambda code: code.name.lower())
def test_every_exit_code_has_a_row(code: pytest.ExitCode) -> None:
    """A pipeline treats a code it does not know as it likes."""
    assert re.search(rf"^\| {code.value} \|", page("reference/outcomes"), flags=re.MULTILINE)


def test_every_command_and_its_options_are_in_the_reference() -> None:
    """A flag nobody documented is found by trying."""
    text = page("reference/commands")
    context = click.Context(main)
    names = [name for name in main.list_commands(context) if name not in registry.names()]
    names += [
        name for suite in suites.installed() for name in (*suite.commands, *suite.aliases) if name != "candidates"
    ]
    assert len(names) > 45
    for name in names:
        command = main.get_command(context, name)
        assert f"## `promotion {name}`" in text
        parts = [command, *getattr(command, "commands", {}).values()]
        options = {
            option
            for part in parts
            for parameter in part.params
            for option in parameter.opts
            if option not in ("--json", "--help")
        }
        flags = {option for option in options if option.startswith("--")}
        assert flags <= {word.split()[0] for word in in_ticks(text)}, name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(path: Path) -> None:
    """A dead link in a page on refusals leaves the reader with a red pipeline and no help."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    relative = [link for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in relative if not (path.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_examples_compile(path: Path) -> None:
    """An example that does not even compile was never run."""
    for block in blocks(path.read_text(encoding="utf-8"), "python"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # one page shows what is wrong
            compile(block, path.name, "exec")


def test_the_pages_of_the_site_are_all_in_its_navigation() -> None:
    """A page outside the navigation is a page that nobody maintains."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        assert f" {path.relative_to(DOCS).as_posix()}" in navigation


def test_every_dependency_has_a_reason() -> None:
    """A dependency without a reason stays for ever, with its release dates and its licence."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = [item for items in project["project"]["optional-dependencies"].values() for item in items]
    groups = [item for items in project["dependency-groups"].values() for item in items if isinstance(item, str)]
    text = page("dependencies").lower()
    for requirement in [*project["project"]["dependencies"], *extras, *groups, *project["build-system"]["requires"]]:
        name = re.match(r"[\w-]+", requirement)
        assert name, requirement
        if name[0] != project["project"]["name"]:
            assert re.search(rf"(?<![\w-]){name[0]}(?![\w-])", text), requirement


class TestActingOnADecision:
    """The code that people will copy into their deployments."""

    DIGEST = "ab" * 32

    @pytest.fixture
    def may_act(self) -> Any:
        space: dict[str, Any] = {}
        exec(blocks(page("how-to/act"), "python")[0], space)
        return space["may_act"]

    @pytest.fixture
    def decision(self, good_place: Any) -> dict[str, Any]:
        good_place.run(f"--promotion-subject=app=sha256:{self.DIGEST}")
        return good_place.latest()

    def ask(self, may_act: Any, tmp_path: Path, decision: dict[str, Any], **change: Any) -> None:
        path = tmp_path / "decision.json"
        path.write_text(json.dumps(decision | change), encoding="utf-8")
        may_act(path, self.DIGEST, ASKED)

    def test_it_accepts_a_pass(self, may_act: Any, tmp_path: Path, decision: dict[str, Any]) -> None:
        """Code that refuses everything is thrown away, and the exit code trusted again."""
        self.ask(may_act, tmp_path, decision)

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"finished": False}, "did not finish"),
            ({"kind": "replay"}, "a replay"),
            ({"status": "FAIL"}, "FAIL"),
            ({"status": "PARTIAL"}, "PARTIAL"),
            (
                {"valid_until": {"ts_utc": (ASKED + timedelta(seconds=1)).isoformat(), "because": "it is old"}},
                "it is old",
            ),
            ({"ts_utc": "2020-01-01T00:00:00+00:00"}, "an earlier decision"),
            ({"subject": None}, "something else"),
            ({"subject": {"name": "app", "digest": {"sha256": "cd" * 32}}}, "something else"),
        ],
        ids=["unfinished", "replay", "fail", "partial", "expired", "earlier", "nothing", "something-else"],
    )
    def test_it_refuses(
        self, may_act: Any, tmp_path: Path, decision: dict[str, Any], change: dict[str, Any], why: str
    ) -> None:
        """Each of these, acted on, deploys what nobody decided."""
        with pytest.raises(ValueError, match=why):
            self.ask(may_act, tmp_path, decision, **change)

    def test_it_refuses_the_provisional_document(self, may_act: Any, tmp_path: Path) -> None:
        """A session that was killed leaves this, and it has no subject to look at."""
        with pytest.raises(ValueError, match="did not finish"):
            self.ask(may_act, tmp_path, provisional("run", datetime.now(UTC).isoformat(), "ci"))
