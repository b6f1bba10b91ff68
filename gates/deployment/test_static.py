"""The code is free of what linters find, and they looked at all of it."""

import pytest

from pytest_promotion.suites.deployment import flake8 as of_flake8
from pytest_promotion.suites.deployment import languages, linters


@pytest.mark.critical(owner="platform", fix="ruff check, flake8, eslint, and fix what they name", timeout=600)
def test_static_checks(eslint, flake8, measure, policy, python, javascript, reason, ruff, workspace):
    """Linters find nothing, by the project's rules and by a few that it cannot switch off, in each language it has."""
    checks = [("Ruff", ruff, python), ("ESLint", eslint, javascript)]
    if python and languages.has_flake8(workspace):
        checks.insert(1, ("Flake8", flake8, python))
    counted = []
    assert any(folders for _, _, folders in checks), "neither Python nor JavaScript is looked at: nothing was checked"
    for name, check, folders in checks:
        if not folders:
            continue  # a project without that language
        findings, unseen, files = check()
        assert not findings, f"{name} finds {len(findings)}: {', '.join(map(str, findings[:3]))}"
        assert not unseen, f"{name} does not look at {len(unseen)} files: {', '.join(unseen[:3])}"
        measure.at_least(f"files that {name} looked at", files, policy["min_files"])
        counted.append(f"{name} {files}")
    reason(f"nothing is found; files looked at: {', '.join(counted)}")


@pytest.fixture
def ruff(command, policy, python, workspace):
    """`ruff()`: what it finds, which files it leaves out, and how many it looks at."""

    def check():
        program = linters.found_beside_python(policy["ruff"])
        seen = linters.listed(command(linters.ruff_files(program, python), policy["lint_s"]))
        floor = linters.ruff_floor(program, python, policy["python_floor"], policy["python_version"])
        asked = (linters.ruff(program, python), floor)
        found = [one for argv in asked for one in linters.of_ruff(command(argv, policy["lint_s"]), workspace)]
        return list(dict.fromkeys(found)), linters.unseen(workspace, python, linters.PYTHON, seen), len(seen)

    return check


@pytest.fixture
def flake8(command, policy, python, workspace):
    """`flake8()`: what it finds, that it leaves out some files, and how many it looks at."""

    def check():
        program = linters.found_beside_python(policy["flake8"])
        own, seen = of_flake8.found(command(of_flake8.command(program, python), policy["lint_s"]))
        argv = of_flake8.floor(program, python, policy["python_floor"])
        floor, _ = of_flake8.found(command(argv, policy["lint_s"]))
        there = [path.relative_to(workspace).as_posix() for path in linters.files_in(workspace, python, (".py",))]
        left_out = there if seen < len(there) else []  # it does not say which of them
        return list(dict.fromkeys([*own, *floor])), left_out, seen

    return check


@pytest.fixture
def eslint(artifact, command, javascript, policy, workspace):
    """`eslint()`: what it finds, which files it leaves out, and how many it looks at."""

    def check():
        named = policy["eslint"], policy["eslint_config"]
        program, config = languages.eslint(workspace, *named, javascript)
        assert artifact(config).text, f"{config} says nothing"
        own = command(linters.eslint(program, config, javascript), policy["lint_s"])
        found, seen = linters.of_eslint(own, workspace)
        rules = policy["javascript_floor"]
        floor = command(linters.eslint_floor(program, config, javascript, rules), policy["lint_s"])
        # The comments that switch a rule off do not count there: of the other rules they are the project's to place.
        found += [one for one in linters.of_eslint(floor, workspace)[0] if one.rule in ("", *rules)]
        return list(dict.fromkeys(found)), linters.unseen(workspace, javascript, linters.JAVASCRIPT, seen), len(seen)

    return check
