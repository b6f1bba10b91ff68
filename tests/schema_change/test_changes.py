"""What lies between a base and a head, whatever the repository, its settings and the environment say."""

from __future__ import annotations

import os
import subprocess

import pytest

from fixtures.deployment import commit
from fixtures.release import git as run
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.deployment.schema_change import changes

pytestmark = pytest.mark.slow

SCHEMA = ["schemas/*.json"]


def of(asking, folder, base="origin/main"):
    return changes.branch(asking(folder), base)


def touched(asking, folder, patterns=SCHEMA):
    return {(one.status, one.path) for one in changes.touched(patterns, of(asking, folder).changes)}


def test_a_branch_is_read_with_its_commits_and_both_trees(target, asking):
    """What is not read is not asked for."""
    found = of(asking, target)
    assert {one.path for one in found.changes} == {
        *("schemas/trace.json", "docs/slo/002-notes.md", "migrations/versions/002_notes.py", "northlight/rows.py"),
        *("traces/golden.json", "traces/awkward.trace.json"),
    }
    assert found.head == run(target, "rev-parse", "HEAD").strip()
    assert found.fork == run(target, "rev-parse", "origin/main").strip()
    assert [one.people for one in found.commits] == [("ada-north", "ada-north@northlight.example")]
    assert "schemas/trace.json" in found.before
    assert found.now["schemas/trace.json"].holds((target / "schemas/trace.json").read_bytes())
    assert not found.before["schemas/trace.json"].holds((target / "schemas/trace.json").read_bytes())


def _delete(folder):
    (folder / "schemas/trace.json").unlink()
    return {("D", "schemas/trace.json")}


def _rename(folder):
    (folder / "schemas/trace.json").rename(folder / "northlight/trace.json")
    return {("D", "schemas/trace.json")}


def _bring_in(folder):
    (folder / "northlight/rows.py").rename(folder / "schemas/rows.json")
    return {("A", "schemas/rows.json"), ("M", "schemas/trace.json")}


def _mode(folder):
    run(folder, "checkout", "-q", "origin/main", "--", "schemas")
    (folder / "schemas/trace.json").chmod(0o755)
    return {("M", "schemas/trace.json")}


def _link(folder):
    (folder / "schemas/trace.json").unlink()
    (folder / "schemas/trace.json").symlink_to("../northlight/rows.py")
    return {("T", "schemas/trace.json")}


def _deeper(folder):
    run(folder, "checkout", "-q", "origin/main", "--", "schemas")
    (folder / "schemas/v3").mkdir()
    (folder / "schemas/v3/span.json").write_text("{}")
    return {("A", "schemas/v3/span.json")}


@pytest.mark.parametrize("change", [_delete, _rename, _bring_in, _mode, _link, _deeper])
def test_every_kind_of_change_of_a_schema_is_seen(target, asking, change):
    """A schema that was moved away, deleted or made a link is the largest change of all."""
    wanted = change(target)
    commit(target, "a change")
    assert touched(asking, target) == wanted


def test_a_submodule_that_may_hold_the_schema_counts_as_it(target, asking):
    """What a submodule points to is one line in the tree, and no path below it is ever compared."""
    own = run(target, "rev-parse", "origin/main").strip()
    run(target, "rm", "-q", "-r", "schemas")
    run(target, "update-index", "--add", "--cacheinfo", f"160000,{own},schemas")
    (target / ".gitmodules").write_text('[submodule "schemas"]\n\tpath = schemas\n\turl = .\n\tignore = all\n')
    run(target, "add", ".gitmodules")
    run(target, "commit", "-q", "-m", "a submodule")
    run(target, "update-ref", "refs/remotes/origin/main", "HEAD")
    other = run(target, "rev-parse", "HEAD").strip()
    run(target, "update-index", "--cacheinfo", f"160000,{other},schemas")
    run(target, "commit", "-q", "-m", "moved on")
    assert touched(asking, target) == {("M", "schemas")}
    assert touched(asking, target, ["web/*.json"]) == set()


def test_what_lies_outside_of_a_folder_is_not_of_it(target, asking):
    """In a repository of many services, paths are those below the service that is promoted."""
    found = of(asking, target / "schemas")
    assert [one.path for one in found.changes] == ["trace.json"]
    assert set(found.now) == {"trace.json"}


def test_a_shallow_clone_proves_nothing(target, asking, tmp_path):
    """What a pipeline fetched with depth 1 has no base: nothing in it was ever changed."""
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{target}", "shallow")
    run(tmp_path / "shallow", "update-ref", "refs/remotes/origin/main", "HEAD")
    with pytest.raises(Unproven, match="shallow"):
        of(asking, tmp_path / "shallow")


@pytest.mark.parametrize("base", ["origin/nothing", "0" * 40, "origin/main:schemas"])
def test_a_base_that_is_not_there_proves_nothing(target, asking, base):
    """A comparison with nothing that answers `no difference` approves everything."""
    with pytest.raises((Unproven, PolicyError)):
        of(asking, target, base)


@pytest.mark.parametrize("base", ["--all", "", None, "main..HEAD", 7])
def test_a_base_that_is_no_name_is_wrong_usage(target, asking, base):
    """A name that git takes for an option, or for a range, asks something else."""
    with pytest.raises(PolicyError, match="no name of"):
        of(asking, target, base)


def test_a_head_that_is_part_of_its_base_has_nothing_to_be_judged(target, asking):
    """After a merge the base is the head: a gate that compares them would be green for ever."""
    run(target, "update-ref", "refs/remotes/origin/main", "HEAD")
    with pytest.raises(Unproven, match="nothing is proposed"):
        of(asking, target)
    run(target, "reset", "-q", "--hard", "HEAD~1")
    with pytest.raises(Unproven, match="nothing is proposed"):
        of(asking, target)


def test_histories_that_never_met_are_not_compared(target, asking):
    """Two trees without a common past differ in everything or, copied, in nothing."""
    tree = run(target, "rev-parse", "HEAD^{tree}").strip()
    run(target, "update-ref", "refs/remotes/origin/main", run(target, "commit-tree", "-m", "other", tree).strip())
    with pytest.raises(Unproven):
        of(asking, target)


def test_only_what_the_branch_did_is_compared(target, asking):
    """What others merged meanwhile is theirs: its schema would be approved twice, or a revert be hidden."""
    run(target, "switch", "-q", "--detach", "origin/main")
    (target / "schemas/other.json").write_text("{}")
    commit(target, "meanwhile", "ben-light")
    run(target, "update-ref", "refs/remotes/origin/main", "HEAD")
    run(target, "switch", "-q", "notes")
    assert touched(asking, target) == {("M", "schemas/trace.json")}


@pytest.mark.parametrize(
    "trick",
    [
        {"GIT_DIR": "/nowhere"},
        {"GIT_WORK_TREE": "/"},
        {"GIT_INDEX_FILE": "/nowhere"},
        {"GIT_EXTERNAL_DIFF": "true"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true"},
        {"GIT_PAGER": "false", "PAGER": "false"},
        {"GIT_LITERAL_PATHSPECS": "1", "GIT_TRACE": "1"},
        {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"},
    ],
    ids=range(8),
)
def test_the_environment_does_not_lead_git_astray(target, asking, monkeypatch, trick):
    """A hook or a pipeline sets these for its own ends."""
    wanted = of(asking, target)
    for name, value in trick.items():
        monkeypatch.setenv(name, value)
    assert of(asking, target) == wanted


@pytest.mark.parametrize(
    "setting",
    [
        *("diff.external=true", "diff.renames=copies", "diff.ignoreSubmodules=all", "diff.noprefix=true"),
        *("core.quotePath=true", "diff.orderFile=/dev/null", "log.showSignature=true", "core.pager=false"),
        *("diff.relative=true", "log.mailmap=true", "color.ui=always", "core.abbrev=4", "log.decorate=full"),
    ],
)
def test_the_settings_of_a_repository_change_nothing(target, asking, setting):
    """What somebody set to read diffs with pleasure must not decide what has changed."""
    wanted = of(asking, target)
    run(target, "config", *setting.split("=", 1))
    assert of(asking, target) == wanted


def test_attributes_and_a_replaced_commit_change_nothing(target, asking):
    """`git replace` and `.git/info/grafts` show another history to whoever does not say no."""
    wanted = of(asking, target)
    (target / ".git/info").mkdir(exist_ok=True)
    (target / ".git/info/attributes").write_text("*.json -diff\nschemas/* export-ignore\n")
    run(target, "replace", wanted.head, wanted.fork)
    (target / ".git/info/grafts").write_text(f"{wanted.head}\n")
    assert of(asking, target) == wanted


def test_a_pattern_that_means_nothing_is_refused(target, asking):
    """A folder that was renamed, or a slip of the pen in the policy, switches the gate off for good."""
    found = of(asking, target)
    changes.demand_files([*SCHEMA, "traces/*.json"], (found.before, found.now))
    with pytest.raises(Unproven, match="no file is called 'schema/"):
        changes.demand_files([*SCHEMA, "schema/*.json"], (found.before, found.now))


def test_a_schema_behind_a_link_is_refused(target, asking):
    """What the link leads to changes, and the link does not."""
    (target / "schemas/span.json").symlink_to("../northlight/rows.py")
    commit(target, "a link")
    found = of(asking, target)
    with pytest.raises(Unproven, match=r"schemas/span\.json is no file"):
        changes.demand_files(SCHEMA, (found.before, found.now))


def test_names_of_any_letters_are_compared_as_they_are(target, asking):
    """Quoted or broken at a line end, a name matches no pattern."""
    for name in ("tr\u00e4ce.json", "a b.json", "new\nline.json", '"q".json'):
        (target / "schemas" / name).write_text("{}")
    commit(target, "names")
    assert len(touched(asking, target)) == 5


def test_a_commit_without_changes_is_nothing_to_approve(target, asking):
    """An empty commit on the base changes no file, and that is an answer."""
    run(target, "switch", "-q", "--detach", "origin/main")
    commit(target, "empty")
    found = of(asking, target)
    assert (found.changes, len(found.commits)) == ((), 1)


def test_git_that_is_missing_or_elsewhere_is_no_answer(asking, tmp_path):
    """A folder that is no repository has no changes either."""
    ceiling = subprocess.run(["git", "rev-parse"], cwd=tmp_path, env=os.environ, capture_output=True, check=False)
    assert ceiling.returncode != 0
    with pytest.raises(Unproven):
        of(asking, tmp_path)
