"""The command line as a user finds it: sections, summaries, options, completion, and the nearest name."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from pytest_promotion import suites
from pytest_promotion.cli import main

PUBLISHED = {
    *("init", "gates", "verify", "waiver", "override", "explain", "diff", "keygen", "sign", "merge", "render"),
    *("history", "bundle", "vault", "cycle", "finalize", "health", "kb", "deploy", "drill", "monitor", "replay"),
    *("conformance", "secrets", "tests", "threshold-change", "upgrade-check", "policy", "canonical", "parity", "slo"),
    *("load", "scan-check", "plan", "protection", "reality-check", "migrate", "create", "list", "show", "evaluate"),
    *("set-status", "events", "ui", "schema", "schema-change"),
}


def commands(command: click.Command = main, path: tuple[str, ...] = ()):
    """Every command that can be called, with its path."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from commands(command.get_command(context, name), (*path, name))


COMMANDS = {" ".join(path): command for path, command in commands()}


def run(*words):
    return CliRunner().invoke(main, words)


def test_the_main_help_has_sections_and_whole_summaries():
    """Forty-five commands in one list, most of them cut to an ellipsis, are not read."""
    lines = run("--help").stdout.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == [
        "Options:",
        "Start:",
        "Understand:",
        "Trust:",
        "Suites (promotion SUITE --help lists their commands):",
    ]
    assert not any(line.endswith("...") for line in lines[1:])
    for suite in suites.installed():
        assert any(line.split()[:1] == [suite.name] for line in lines)
        assert set(suite.commands).isdisjoint(line.split()[0] for line in lines if line.strip())


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_published_name_is_still_there(name):
    """Names that pipelines call do not move because the help is tidied."""
    done = run(name, "--help")
    assert (done.exit_code, "Usage: " in done.stdout) == (0, True)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name):
    """Help without an example is read by those who need none."""
    epilog = COMMANDS[name].epilog or ""
    assert epilog.startswith("Example: ")
    assert f"promotion {name.partition(' ')[2]}" in epilog or f"promotion {name}" in epilog


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name):
    """An option without a text is found out by trying, on a promotion."""
    options = [one for one in COMMANDS[name].params if isinstance(one, click.Option) and not one.hidden]
    short = {one.opts[0]: one.help for one in options if len((one.help or "").split()) < 3}
    assert short == {}


@pytest.mark.parametrize(
    ("words", "near"),
    [(("verfy",), "verify"), (("tradng",), "trading"), (("trading", "cycel"), "cycle"), (("reply",), "replay")],
)
def test_a_misspelt_command_is_answered_with_the_nearest(words, near):
    """An unknown name alone sends the user to a list of forty."""
    done = run(*words)
    assert (done.exit_code, f"Did you mean '{near}'?" in done.stderr) == (4, True)


@pytest.mark.parametrize(("words", "candidate"), [("promotion tra", "trading"), ("promotion trading cy", "cycle")])
def test_a_shell_completes_commands(words, candidate):
    """Commands that are imported late are easily unknown to completion."""
    environment = {**os.environ, "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    environment |= {"_PROMOTION_COMPLETE": "bash_complete"}
    code = "from pytest_promotion.cli import main; main(prog_name='promotion')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert f"plain,{candidate}" in done.stdout.split()


def test_help_imports_no_suite_machinery():
    """The first command that anybody types has to answer at once."""
    code = "import sys; from pytest_promotion.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert not {"pytest", "msgspec", "yaml", "numpy", "sqlalchemy"}.intersection(loaded)


@pytest.mark.parametrize("option", ["--promotion-profil=ci", "--promotion-polcy", "--promotion-proove"])
def test_a_misspelt_option_of_pytest_is_answered_with_the_nearest(good_place, option):
    """A profile that is ignored because of a letter is the default profile."""
    result = good_place.run(option)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*unknown option {option.partition('=')[0]}; did you mean --promotion-*"])


@pytest.mark.parametrize(
    ("named", "shown", "hidden"),
    [
        ("", [], ["--require-day2-go", "--skip-docker"]),
        ("suites: [trading]", ["--require-day2-go"], ["--skip-docker"]),
        ("suites: [trading, release]", ["--require-day2-go", "--skip-docker", "--kb-min-recall"], []),
        ("suites: [", [], ["--require-day2-go"]),
    ],
)
def test_flags_of_a_suite_show_where_it_is_used(tmp_path, monkeypatch, named, shown, hidden):
    """The flags of one company's system are noise to everybody else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "promotion.yaml").write_text(f"version: 1\n{named}\n")
    text = run("gates", "--help").stdout
    assert [flag for flag in ("--ci", "--profile", *shown) if flag not in text] == []
    assert [flag for flag in ("PYTEST_ARGS]...\n  -h", *hidden) if flag in text] == []


def test_a_folder_without_gates_says_what_to_do(tmp_path, monkeypatch):
    """Pytest's own words about a path that is not found were the first thing that a new user read."""
    monkeypatch.chdir(tmp_path)
    done = run("gates", "--ci")
    assert (done.exit_code, "`promotion init` adds one" in done.stderr) == (4, True)
