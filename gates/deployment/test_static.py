"""The code is free of what linters find, and they looked at all of it."""

import pytest

from pytest_promotion.suites.deployment import linters


@pytest.mark.critical(owner="platform", fix="ruff check, eslint, and mend what they name", timeout=600)
def test_static_checks(eslint, measure, policy, reason, ruff):
    """Ruff and ESLint find nothing: by the project's rules, and by a few that the project cannot switch off."""
    counted = []
    checks = [("Ruff", ruff, policy["python"]), ("ESLint", eslint, policy["javascript"])]
    assert any(folders for _, _, folders in checks), "neither python nor javascript names a folder"
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
def ruff(command, policy, workspace):
    """`ruff()`: what it finds, which files it leaves out, and how many it looks at."""

    def check():
        program, folders = linters.found_beside_python(policy["ruff"]), policy["python"]
        seen = linters.listed(command(linters.ruff_files(program, folders), policy["lint_s"]))
        floor = linters.ruff_floor(program, folders, policy["python_floor"], policy["python_version"])
        asked = (linters.ruff(program, folders), floor)
        found = [one for argv in asked for one in linters.of_ruff(command(argv, policy["lint_s"]), workspace)]
        return list(dict.fromkeys(found)), linters.unseen(workspace, folders, linters.PYTHON, seen), len(seen)

    return check


@pytest.fixture
def eslint(artifact, command, policy, workspace):
    """`eslint()`: what it finds, which files it leaves out, and how many it looks at."""

    def check():
        program, config, folders = policy["eslint"], policy["eslint_config"], policy["javascript"]
        assert artifact(config).text, f"{config} says nothing"
        own = command(linters.eslint(program, config, folders), policy["lint_s"])
        found, seen = linters.of_eslint(own, workspace)
        rules = policy["javascript_floor"]
        floor = command(linters.eslint_floor(program, config, folders, rules), policy["lint_s"])
        # The comments that switch a rule off do not count there: of the other rules they are the project's to place.
        found += [one for one in linters.of_eslint(floor, workspace)[0] if one.rule in ("", *rules)]
        return list(dict.fromkeys(found)), linters.unseen(workspace, folders, linters.JAVASCRIPT, seen), len(seen)

    return check
