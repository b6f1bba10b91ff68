"""Which gates do not apply: conditions of the policy, each part of which has to be found to be true."""

from __future__ import annotations

import subprocess

import pytest

from pytest_promotion.policy.applicability import not_applicable
from pytest_promotion.policy.shape import Condition, GateRules, NoEntry, NotApplicable, Rules, Unchanged

BECAUSE = "there is no such part"


def found(root, profile="ci", **when):
    rules = GateRules(not_applicable=NotApplicable(because=BECAUSE, when=Condition(**when)))
    return not_applicable(Rules(gates={"a": rules, "b": GateRules()}), profile, root)


def applies(root, **when):
    return found(root, **when) == {}


def test_the_sentence_says_why_and_what_was_found(tmp_path):
    """A reader of the decision has to be able to check the condition by hand."""
    when = {"no_files": ["x/*.tf", "*.tf"], "profiles": ["dev", "ci"]}
    sentence = f"does not apply: {BECAUSE} (no file matches x/*.tf, *.tf; the profile is ci)"
    assert found(tmp_path, **when) == {"a": sentence}


@pytest.mark.parametrize("name", ["a.tf", "x/a.tf", "x/y/a.tf"])
def test_a_file_that_is_there_makes_the_gate_apply(tmp_path, name):
    """One match of one pattern is enough."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("")
    assert applies(tmp_path, no_files=["none/*", "**/*.tf"])
    assert applies(tmp_path, no_files=["**/A.TF"])
    assert not applies(tmp_path, no_files=["**/*.txt"])


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"no_files": []},
        {"no_files": ["/absolute/*"]},
        {"no_files": [""]},
        {"profiles": []},
        {"profiles": ["dev"]},
        {"no_files": ["*.tf"], "profiles": ["dev"]},
        {"unchanged": Unchanged(since="HEAD", paths=["infra"])},
    ],
)
def test_what_cannot_be_shown_does_not_excuse_a_gate(tmp_path, when):
    """Absence of a condition, of a pattern or of a repository is no reason to leave a gate out."""
    assert applies(tmp_path, **when)


@pytest.mark.parametrize(
    ("wanted", "thresholds", "applies"),
    [
        ({"require_go": False}, {"require_go": False}, False),
        ({"require_go": False}, {"require_go": True}, True),
        ({"require_go": False}, {"require_go": 0}, True),
        ({"require_go": False}, {"require_go": "false"}, True),
        ({"require_go": False}, {"require_go": None}, True),
        ({"require_go": False}, {}, True),
        ({"most": 1}, {"most": True}, True),
        ({"most": None}, {}, True),
        ({"most": None}, {"most": None}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, True),
        ({}, {"a": 1}, True),
    ],
)
def test_a_threshold_of_the_gate_can_be_the_condition(tmp_path, wanted, thresholds, applies):
    """A gate that is required by a switch passed where the switch was off, and nobody saw that it judged nothing."""
    condition = NotApplicable(because=BECAUSE, when=Condition(thresholds=wanted))
    rules = Rules(gates={"a": GateRules(not_applicable=condition, thresholds=thresholds)})
    assert (not_applicable(rules, "ci", tmp_path) == {}) is applies


class TestUnchanged:
    """Git tells, and what it cannot tell has changed."""

    @pytest.fixture
    def repository(self, tmp_path):
        self.git(tmp_path, "init", "-q")
        (tmp_path / "infra").mkdir()
        (tmp_path / "infra" / "main.tf").write_text("one")
        (tmp_path / ".gitignore").write_text("*.secret\n")
        self.commit(tmp_path)
        (tmp_path / "later").write_text("x")
        self.commit(tmp_path)
        return tmp_path

    @staticmethod
    def git(folder, *words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=folder, check=True)

    def commit(self, folder):
        self.git(folder, "add", "-A")
        self.git(folder, "commit", "-qm", "x")

    def applies(self, folder, since="HEAD~1", path="infra"):
        return applies(folder, unchanged=Unchanged(since=since, paths=[path]))

    def test_nothing_changed(self, repository):
        """The one case in which the gate is left out."""
        assert not self.applies(repository)
        (repository / "elsewhere").write_text("x")
        assert not self.applies(repository)

    @pytest.mark.parametrize("name", ["infra/main.tf", "infra/new.tf", "infra/ignored.secret"])
    def test_a_file_that_is_edited_or_new(self, repository, name):
        """Uncommitted, untracked and ignored files are deployed like any other."""
        (repository / name).write_text("two")
        assert self.applies(repository)

    def test_a_file_that_is_gone(self, repository):
        """A deletion is a change."""
        (repository / "infra" / "main.tf").unlink()
        assert self.applies(repository)

    def test_a_change_that_is_committed_and_staged(self, repository):
        """Compared is the commit that is named, not the last one."""
        (repository / "infra" / "main.tf").write_text("two")
        self.commit(repository)
        assert self.applies(repository, "HEAD~2")

    def test_the_head_is_no_base(self, repository):
        """Compared with itself, every commit is unchanged."""
        assert self.applies(repository, "HEAD")
        assert self.applies(repository, "HEAD~0")

    @pytest.mark.parametrize("since", ["nowhere", "--output=x", "HEAD~9", "HEAD:infra"])
    def test_a_commit_that_is_none(self, repository, since):
        """A misspelt branch would otherwise excuse the gate in every session."""
        assert self.applies(repository, since)

    def test_a_path_that_git_does_not_know(self, repository):
        """A misspelt path never changes."""
        assert self.applies(repository, path="infrastructure")


@pytest.mark.parametrize(
    ("text", "applies"),
    [
        ('{"scripts": {"build": "x"}}', False),
        ("{}", False),
        ('{"scripts": {"lint": ""}}', True),
        ('{"scripts": {"lint": null}}', True),
        ('{"scripts": []}', True),
        ("[]", True),
        ("{", True),
        ("", True),
        (None, True),
    ],
)
def test_an_entry_that_is_missing_can_be_the_condition(tmp_path, text, applies):
    """A file that cannot be read has not shown that it lacks anything."""
    if text is not None:
        (tmp_path / "package.json").write_text(text)
    missing = NoEntry(file="package.json", entry=["scripts", "lint"])
    assert (found(tmp_path, no_entry=missing) == {}) is applies
