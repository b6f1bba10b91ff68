"""Acting on a decision: each demand is refused where it is not met, and waived only by its own flag."""

from __future__ import annotations

import json
import shutil
import time
from hashlib import sha256

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.trust import keys

pytestmark = pytest.mark.slow
WITHOUT = ("--any-profile", "--any-policy", "--any-subject", "--allow-unsigned", "--allow-dirty", "--allow-superseded")


def test_with_everything_demanded_and_met_it_is_a_yes(decided, saying):
    """What cannot be met by a sound candidate is switched off."""
    assert saying(0) == "may be acted on: yes\n"
    answer = json.loads(saying(0, "--json"))
    assert (answer["may_act"], answer["done_without"], answer["unknown"]) == (True, [], [])


def test_the_profile_of_a_desk_is_not_that_of_production(decided, saying):
    """The gates of `dev` are demoted: its PASS says nothing about production."""
    assert decided.decide(0.1, profile="dev")["status"] == "PASS"
    assert "it is of the profile dev, not of prod" in saying(2)
    assert "no profile is asked for: --profile dev, or --any-profile" in saying(3, profile="")
    assert "by --any-profile: it is of the profile dev" in saying(0, "--any-profile", profile="")
    saying(0, profile="dev")


def test_a_named_profile_is_demanded_whatever_flag_stands_beside_it(decided, saying):
    """A flag that switches off what stands beside it is read as if it did not."""
    decided.decide(profile="dev")
    assert "not of prod" in saying(2, "--any-profile")


def test_a_dirty_tree_was_judged(decided, saying):
    """The commit that the decision names is not what the gates saw."""
    (decided.path / "src/app.py").write_text("ANSWER = 0\n")
    assert decided.decide()["git"]["changes"] == ["src/app.py"]
    refused = saying(2)
    assert "it was taken in a tree that differs from its commit: src/app.py" in refused
    assert "files here differ from the commit that it is about: src/app.py" in refused
    waived = saying(0, "--allow-dirty")
    assert "by --allow-dirty: it was taken in a tree that differs from its commit: src/app.py" in waived
    assert "by --allow-dirty: files here differ" in waived


def test_what_lies_here_is_another_commit(decided, saying):
    """A decision about yesterday's commit is put to today's."""
    (decided.path / "src/app.py").write_text("ANSWER = 43\n")
    decided.git("commit", "-qam", "two")
    old, new = decided.git("rev-parse", "HEAD~1"), decided.git("rev-parse", "HEAD")
    assert f"it is about the commit {old[:12]}, and {new[:12]} lies here" in saying(2)
    assert f"not about gitCommit:{new}" in saying(2, "--subject", f"gitCommit:{new}")
    saying(0, "--subject", f"gitCommit:{old}")
    saying(0, "--any-subject")


def test_what_lies_here_was_changed_since(decided, saying):
    """The commit is right, and the files are not those that it has."""
    (decided.path / "src/new.py").write_text("")
    assert "files here differ from the commit that it is about: src/new.py" in saying(2)


def test_nothing_lies_here(decided, saying, tmp_path):
    """A decision that was carried elsewhere is about nothing that can be seen there."""
    (tmp_path / "empty").mkdir()
    assert "no repository lies here" in saying(2, "--project", tmp_path / "empty")


def test_a_manifest_is_compared_with_the_file_here(decided, saying):
    """A subject that is a file is what the file says now."""
    (decided.path / "wheel").write_text("bytes")
    digest = f"sha256:{sha256(b'bytes').hexdigest()}"
    decided.git("add", "wheel")
    decided.git("commit", "-qm", "wheel")
    decided.decide(0.95, "--promotion-subject", f"wheel={digest}")
    saying(0)
    (decided.path / "wheel").write_text("other bytes")
    assert "it is about another wheel than the one that lies here" in saying(2)
    (decided.path / "wheel").unlink()
    assert "and wheel does not lie here" in saying(3)


def test_a_signature_is_demanded(decided):
    """Whoever can write the reports folder writes a decision."""
    words = ["verify", str(decided.latest), "--profile", "prod", "--project", str(decided.path)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 3
    assert "no key is named that has to have signed it: --key FILE, or --allow-unsigned" in done.output
    assert CliRunner().invoke(main, [*words, "--allow-unsigned"]).exit_code == 0


def test_an_older_pass_after_a_newer_fail(decided, saying, tmp_path):
    """The PASS of this morning is not expired, and the candidate failed since."""
    older = tmp_path / "older.json"
    folder = decided.latest.parent
    [passed] = folder.glob("promotion_gates_*.json")
    assert decided.decide(0.1)["status"] == "FAIL"
    said = saying(2, file=passed)
    assert "it is superseded: promotion_gates_" in said
    assert "about the same subject says FAIL" in said
    assert "by --allow-superseded: it is superseded" in saying(0, "--allow-superseded", file=passed)
    # Copied away from its history, nothing tells that it is the newest.
    shutil.copy(passed, older)
    shutil.copy(passed.with_suffix(".intoto.jsonl"), older.with_suffix(".intoto.jsonl"))
    shutil.copytree(folder / "evidence", tmp_path / "evidence")
    assert "no history lies beside it" in saying(3, file=older)
    assert "it is superseded" in saying(2, "--history", folder, file=older)


def test_a_newer_decision_of_another_profile_or_subject_changes_nothing(decided, saying):
    """A FAIL at a desk does not stop production, and neither does one about another commit."""
    folder = decided.latest.parent
    [passed] = folder.glob("promotion_gates_*.json")
    decided.decide(0.1, profile="dev")
    saying(0, file=passed)
    (decided.path / "src/app.py").write_text("ANSWER = 43\n")
    decided.git("commit", "-qam", "two")
    decided.decide(0.1)
    decided.git("checkout", "-q", "HEAD~1")
    saying(0, file=passed)


def test_a_decision_that_the_history_does_not_have(decided, saying):
    """A decision of another folder is put beside a history in which nothing speaks against it."""
    document = decided.document() | {"run_id": "another", "ts_utc": "2099-01-01T00:00:00+00:00"}
    other = decided.latest.with_name("other.json")
    other.write_text(json.dumps(document))
    assert "it is not in the history" in saying(2, file=other)


def test_the_policy_is_compared_as_it_resolves(decided, saying, tmp_path):
    """The digest of the policy file does not say which profile was judged by, or what flags changed."""
    saying(0, "--policy", decided.path / "promotion.yaml")
    looser = tmp_path / "promotion.yaml"
    looser.write_text((decided.path / "promotion.yaml").read_text().replace("0.9", "0.1"))
    assert "it was judged by other rules than" in saying(2, "--policy", looser)
    assert decided.decide(0.5, "--promotion-set", "least=0.1")["status"] == "PASS"
    said = saying(2, "--policy", decided.path / "promotion.yaml")
    assert "for prod, and was changed by gates.score.thresholds.least=0.1" in said


def test_another_policy_than_the_one_that_lies_here(decided, saying, tmp_path):
    """A file with laxer rules is written in a minute, and given to the session."""
    lax = tmp_path / "lax.yaml"
    lax.write_text("version: 1\nrequired: [runs]\ngates: {score: {thresholds: {least: 0.1}}}\nprofiles: {prod: {}}\n")
    assert decided.decide(0.3, "--promotion-policy", str(lax))["status"] == "PASS"
    assert "lax.yaml, and promotion.yaml lies here: --policy FILE names another one" in saying(2)
    assert "by --any-policy: it was judged by " in saying(0, "--any-policy")
    assert "may be acted on: yes" in saying(0, "--policy", lax)
    assert "it was judged by other rules than " in saying(2, "--policy", decided.path / "promotion.yaml")


@pytest.mark.parametrize("flag", WITHOUT)
def test_one_flag_waives_one_demand(decided, flag):
    """A flag that waives more than it says is how an unreviewed byte is deployed."""
    (decided.path / "src/app.py").write_text("ANSWER = 0\n")
    decided.decide(0.95, "--promotion-set=required=score,runs", profile="dev")
    older = sorted(decided.latest.parent.glob("promotion_gates_*.json"))
    decided.decide(0.1, profile="dev")
    decided.git("commit", "-qam", "two")
    everything = set(WITHOUT) - {flag}
    words = ["verify", str(older[-1]), "--project", str(decided.path)]
    assert CliRunner().invoke(main, [*words, *everything]).exit_code in (2, 3)
    done = CliRunner().invoke(main, [*words, *WITHOUT])
    assert done.exit_code == 0, done.output
    for one in WITHOUT:
        assert f"by {one}: " in done.output


def test_a_commit_that_was_named_by_hand(decided, saying):
    """The gates ran on one commit, and the decision said that it was about another."""
    old = decided.git("rev-parse", "HEAD")
    (decided.path / "src/app.py").write_text("ANSWER = 0\n")
    decided.git("commit", "-qam", "two")
    new = decided.git("rev-parse", "HEAD")
    decided.git("checkout", "-q", old)
    assert decided.decide(0.95, f"--promotion-subject=git=gitCommit:{new}")["status"] == "PASS"
    decided.git("checkout", "-q", new)
    assert f"it is about the commit {new[:12]}, and was taken in the commit {old[:12]}" in saying(2)


def test_required_gates_that_were_named_by_hand(decided, saying):
    """A gate that fails is critical by its mark alone, and the list of the policy is repeated without it."""
    gate = decided.path / "gates/test_more.py"
    gate.write_text("import pytest\n\n\n@pytest.mark.critical\ndef test_more():\n    raise AssertionError\n")
    decided.git("add", ".")
    decided.git("commit", "-qm", "more")
    assert decided.decide()["status"] == "FAIL"
    document = decided.decide(0.95, "--promotion-set=required=score,runs")
    assert "required: named by hand" in document["weakened"]
    sentence = "its required gates were named by hand: required=score,runs"
    assert sentence in saying(2)
    assert sentence in saying(2, "--policy", decided.path / "promotion.yaml")


@pytest.mark.parametrize("hidden", ["assume-unchanged", "skip-worktree", "untracked", "excluded"])
def test_a_change_that_git_was_told_not_to_see(decided, saying, hidden):
    """A gate was edited, and `git status` has nothing to say."""
    gates = decided.path / "gates"
    if hidden == "untracked":
        decided.git("config", "status.showUntrackedFiles", "no")
        (gates / "conftest.py").write_text("")
    elif hidden == "excluded":
        (decided.path / ".git/info/exclude").write_text("conftest.py\n")
        (gates / "conftest.py").write_text("")
    else:
        decided.git("update-index", f"--{hidden}", "gates/test_gates.py")
        (gates / "test_gates.py").write_text((gates / "test_gates.py").read_text() + "\n# edited\n")
    assert decided.git("status", "--porcelain") == ""
    assert decided.decide()["git"]["dirty"] is True
    name = "gates/test_gates.py" if hidden in ("assume-unchanged", "skip-worktree") else "gates/conftest.py"
    assert f"it was taken in a tree that differs from its commit: {name}" in saying(2)


def test_a_decision_that_was_cut_from_the_history_lies_beside_it(decided, saying):
    """The line of the newest FAIL is deleted, and its file is forgotten."""
    passed = max(decided.latest.parent.glob("promotion_gates_*.json"))
    time.sleep(1.1)
    assert decided.decide(0.1)["status"] == "FAIL"
    log = decided.latest.parent / "history.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    assert "lies beside the history, and is not in it" in saying(3, file=passed)


def test_a_history_elsewhere_is_repeated(decided, saying, tmp_path):
    """A copy of the folder from before the FAIL says which decision is the newest."""
    copy = shutil.copytree(decided.latest.parent, tmp_path / "copy")
    assert f"by --history: which decision is the newest was asked of {copy}" in saying(0, "--history", copy)


def test_the_keys_of_its_stage_have_to_have_signed_it(decided, saying, tmp_path):
    """Whoever deploys names a key that was made this minute."""
    keys.generate(tmp_path / "own.key")
    shutil.copy(decided.key, decided.path / "release.pub")
    shutil.copy(decided.key, tmp_path / "release.pub")
    policy = decided.path / "promotion.yaml"
    policy.write_text(policy.read_text() + "stages: {prod: {keys: [release.pub]}}\n")
    decided.git("add", ".")
    decided.git("commit", "-qm", "keys")
    decided.decide(stage="prod")
    assert "may be acted on: yes" in saying(0, "--stage", "prod", profile="")
    for envelopes in decided.latest.parent.glob("*.intoto.jsonl"):
        envelopes.unlink()
    words = ["--key", str(tmp_path / "own.key"), "--project", str(decided.path), "--stage", "prod"]
    assert CliRunner().invoke(main, ["sign", str(decided.latest), *words]).exit_code == 0
    said = saying(2, "--stage", "prod", "--key", tmp_path / "own.key.pub", profile="")
    assert "the keys of its stage prod have not signed it" in said
