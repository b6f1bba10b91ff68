"""Anchors: a history whose newest entries were removed, with their decisions, is not the one that was anchored."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_promotion.canonical import canonical
from pytest_promotion.cli import main
from pytest_promotion.clock import iso
from pytest_promotion.evidence.provenance import for_git
from pytest_promotion.history.index import INDEX
from pytest_promotion.history.log import NAME, History


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A repository beside the log, with one commit; `git(*words)` runs there."""
    path = tmp_path / "audit"
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME", raising=False)

    def run(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(path), *words], env=for_git(os.environ), capture_output=True, text=True, check=True
        )
        return done.stdout

    path.mkdir()
    run("init", "-q")
    for key, value in {"user.name": "ci", "user.email": "ci@b.c", "commit.gpgsign": "false"}.items():
        run("config", key, value)
    run("commit", "-q", "--allow-empty", "-m", "one")
    return run


def record(number: int) -> bytes:
    """An entry for the log."""
    return canonical(
        {
            "bundle": f"{number:064x}",
            "critical_failures": [],
            "file": f"promotion_gates_{number}.json",
            "gates": {"PASS": ["score"]},
            "profile": "prod",
            "run_id": f"run-{number}",
            "scope": "full",
            "sha256": f"{number:064x}",
            "status": "PASS",
            "subject": {"name": "git", "digest": {"gitCommit": "ab" * 20}},
            "ts_utc": iso(datetime.now(UTC)),
            "waivers": [],
        }
    )


@pytest.fixture
def log(tmp_path) -> History:
    """A log of three entries in `reports`."""
    folder = tmp_path / "reports" / "promotion_gates"
    folder.mkdir(parents=True)
    found = History(folder)
    found.append(*(record(number) for number in range(1, 4)))
    return found


@pytest.fixture(params=["file", "git-note", "git-note with a ref", "git-tag", "s3"])
def target(request, tmp_path, git):
    """Each kind of target."""
    audit = tmp_path / "audit"
    if request.param == "s3":
        request.getfixturevalue("bucket")
    return {
        "file": str(audit / "anchors.jsonl"),
        "git-note": f"git-note:{audit}",
        "git-note with a ref": f"git-note:{audit}:refs/notes/promotions",
        "git-tag": f"git-tag:{audit}:promotion",
        "s3": f"s3://events/{tmp_path.name}",
    }[request.param]


def history(tmp_path: Path, *words: str, code: int = 0) -> str:
    """What `promotion history …` prints, which ends with *code*."""
    done = CliRunner().invoke(main, ["history", words[0], "--reports", str(tmp_path / "reports"), *words[1:]])
    assert done.exit_code == code, done.output
    return done.output


def cut(log: History, entries: int) -> None:
    """Leaves the first *entries* of the log, as somebody would who removes the newest decisions."""
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:entries]))
    (log.path.parent / INDEX).unlink(missing_ok=True)


def test_what_was_removed_is_noticed(tmp_path, log, target):
    """The chain is whole without its end, so that the FAIL of today was never decided."""
    assert "entry 3 is anchored in" in history(tmp_path, "anchor", "--to", target)
    history(tmp_path, "verify", "--anchor", target)
    log.append(record(4), record(5))
    history(tmp_path, "verify", "--anchor", target)
    assert "entry 5 is anchored in" in history(tmp_path, "anchor", "--to", target)
    assert "entry 5 was anchored in" in history(tmp_path, "anchor", "--to", target)
    cut(log, 4)
    history(tmp_path, "verify")
    output = history(tmp_path, "verify", "--anchor", target, code=2)
    assert "the history ends with entry 4, and " in output
    assert "names entry 5: it was removed" in output
    # The target is not used up by the history that was cut.
    answer = json.loads(history(tmp_path, "anchor", "--to", target, "--json", code=2))
    assert (answer["anchored"], "names entry 5" in answer["problem"]) == (False, True)
    cut(log, 2)
    assert "names entry 5: 3 newer entries were removed" in history(tmp_path, "verify", "--anchor", target, code=2)


def test_another_entry_in_its_place(tmp_path, log, target):
    """A cut history that grows again has as many entries as before."""
    history(tmp_path, "anchor", "--to", target)
    cut(log, 2)
    History(log.path.parent).append(record(7), record(8))
    history(tmp_path, "verify")
    assert "entry 3 of the history is not the one of " in history(tmp_path, "verify", "--anchor", target, code=2)
    assert "nothing was anchored: entry 3 of the history" in history(tmp_path, "anchor", "--to", target, code=2)


def test_the_anchor_of_another_log(tmp_path, log, target):
    """An anchor of the project beside says nothing about this one."""
    history(tmp_path, "anchor", "--to", target)
    log.path.unlink()
    (log.path.parent / INDEX).unlink()
    History(log.path.parent).append(*(record(number) for number in range(11, 16)))
    output = history(tmp_path, "verify", "--anchor", target, code=2)
    assert "the history is not the one of " in output
    assert "it begins with another entry" in output


def test_the_log_is_gone(tmp_path, log, target):
    """Without a log there is nothing to walk along, and an anchor says that there was one."""
    history(tmp_path, "anchor", "--to", target)
    log.path.unlink()
    (log.path.parent / INDEX).unlink()
    assert "names entry 3 of it" in history(tmp_path, "verify", "--anchor", target, code=2)
    assert "nothing was decided here yet" in history(tmp_path, "anchor", "--to", target, code=3)


def test_a_target_without_an_anchor(tmp_path, log, target):
    """A target that was misspelt would agree with every history."""
    assert "has no anchor of a history" in history(tmp_path, "verify", "--anchor", target, code=3)


@pytest.mark.parametrize("content", ["{", "[]", '{"kind": "other"}', '{"sequence": 1}'])
def test_a_file_that_is_none(tmp_path, log, content):
    """A damaged anchor that is passed over is an anchor that was removed."""
    place = tmp_path / "anchors.jsonl"
    place.write_text(content + "\n")
    assert "anchors.jsonl" in history(tmp_path, "verify", "--anchor", str(place), code=3)
    history(tmp_path, "anchor", "--to", str(place), code=3)
    assert place.read_text() == content + "\n"


@pytest.mark.parametrize(
    ("given", "code", "sentence"),
    [
        ("git-note:gone", 4, "git-note:gone: there is no repository gone"),
        ("git-tag:.", 4, "expected git-tag:REPO:NAME"),
        ("nothing://x", 4, "nothing://x"),
        ("s3://no-such-bucket/x", 3, "s3://no-such-bucket/x"),
    ],
)
def test_a_target_that_cannot_be_used(tmp_path, log, bucket, given, code, sentence):
    """A target that is not there must not be taken for one without anchors, and for nothing to compare with."""
    assert sentence in history(tmp_path, "anchor", "--to", given, code=code)
    if code == 4:
        assert sentence in history(tmp_path, "verify", "--anchor", given, code=code)


def test_a_repository_without_a_commit(tmp_path, log):
    """Notes are about a commit."""
    (tmp_path / "empty").mkdir()
    subprocess.run(["git", "init", "-q", str(tmp_path / "empty")], env=for_git(os.environ), check=True)
    assert "git notes failed in " in history(tmp_path, "anchor", "--to", f"git-note:{tmp_path / 'empty'}", code=3)


def test_a_tag_is_signed(tmp_path, log, git):
    """A tag that anybody could have written is no anchor; a signature that is not good is refused."""
    key = tmp_path / "ci"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"ci@b.c {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "gpg.format": "ssh",
        "user.signingkey": str(key),
        "gpg.ssh.allowedSignersFile": str(allowed),
    }.items():
        git("config", name, value)
    target = f"git-tag:{tmp_path / 'audit'}:promotion"
    history(tmp_path, "anchor", "--to", target, "--sign")
    assert "BEGIN SSH SIGNATURE" in git("cat-file", "tag", "promotion/3")
    history(tmp_path, "verify", "--anchor", target)
    allowed.write_text("")
    assert "git verify-tag failed in " in history(tmp_path, "verify", "--anchor", target, code=3)
    assert "only git-tag:REPO:NAME can be signed" in history(tmp_path, "anchor", "--to", "x", "--sign", code=4)


def test_an_object_is_created_once(tmp_path, log, bucket):
    """Two jobs that anchor at once must not replace each other's head."""
    from pytest_promotion.history import anchors
    from pytest_promotion.history.anchor_targets import target_at

    target = target_at(f"s3://events/{tmp_path.name}")
    head = anchors.head_of(log.path.parent, iso(datetime.now(UTC)))
    target.add(head)
    target.add(head)
    other: dict[str, Any] = head.document() | {"sha256": "cd" * 32}
    [parsed] = anchors.parse(canonical(other), "it")
    with pytest.raises(anchors.Unproven, match="has another entry 3: nothing was anchored"):
        target.add(parsed)
    assert target.heads() == [head]


@pytest.mark.slow
def test_a_decision_is_verified_with_an_anchor(decided, saying, tmp_path):
    """The FAIL of today is removed with its entry, and the PASS of yesterday is the newest again."""
    folder, place = decided.latest.parent, tmp_path / "anchors.jsonl"
    passed = folder / next(iter(folder.glob("promotion_gates_*.json"))).name
    before = (folder / NAME).read_bytes()
    reports = ["--reports", str(decided.path / "reports")]
    assert "has no anchor of a history" in saying(3, "--anchor", place, file=passed)
    assert decided.decide(0.1)["status"] == "FAIL"
    assert CliRunner().invoke(main, ["history", "anchor", "--to", str(place), *reports]).exit_code == 0
    assert "superseded" in saying(2, "--anchor", place, file=passed)
    (folder / NAME).write_bytes(before)
    for path in folder.glob("promotion_gates_*.json"):
        if path != passed:
            path.unlink()
    saying(0, file=passed)  # without the anchor it is not noticed
    assert "the history ends with entry 1, and " in saying(2, "--anchor", place, file=passed)
    assert "there is no repository" in saying(4, "--anchor", "git-note:gone", file=passed)
