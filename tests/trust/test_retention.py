"""Clearing a vault: never a byte that a kept decision, or a session that runs, may need."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.history.log import NAME
from pytest_promotion.history.retention import Keeping, clear
from tests.trust.conftest import decide
from tests.trust.test_verify import promotion

NOW = datetime.now(UTC)
FAR = timedelta(days=400)


def age(vault: Vault, days: float = 100) -> None:
    """Makes everything in *vault* that old."""
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    for place in vault.path.rglob("*"):
        os.utime(place, (then, then))


def there(vault: Vault) -> set[str]:
    """What is in it."""
    return {path.name for path in (vault.path / "sha256").glob("*/*")}


def named(signed) -> set[str]:
    """What its newest decision needs in order to verify."""
    document = signed.document()
    found = {one["sha256"] for one in (*document["evidence_bundle"]["artifacts"], *document["policy"]["files"])}
    return found | {run["output_sha256"] for check in document["checks"] for run in check["commands"]}


@pytest.fixture
def vault(vault, signed):
    """The vault of a decision, with something old that nobody names."""
    for content in (b"nobody names this", b"nor this"):
        vault.keep(sha256(content).hexdigest(), content)
    (vault.path / ".new-left").write_bytes(b"of a session that was killed")
    age(vault)
    return vault


def test_what_no_decision_names_goes(signed, vault):
    """A vault that only ever grows is one day emptied by hand."""
    keys = signed.key
    done = promotion(signed, "vault", "gc", "--keep-days", "30", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["size_bytes"] == len(
        b"nobody names this" + b"nor this" + b"of a session that was killed"
    )
    assert there(vault) == named(signed)
    assert not (vault.path / ".new-left").exists()
    assert signed.verify().yes, keys


def test_a_dry_run_removes_nothing(signed, vault):
    """Whoever asks what would happen does not want it to happen."""
    before = there(vault)
    done = promotion(signed, "vault", "gc", "--keep-last", "1", "--dry-run")
    assert (done.returncode, "3 files" in done.stdout, "would be removed" in done.stdout) == (0, True, True)
    assert there(vault) == before


def second(signed) -> None:
    """Another decision about other evidence."""
    (signed.path / "evidence" / "notes.txt").write_text("other notes\n")
    (signed.path / "evidence" / "score.json").write_text(
        json.dumps({"ts_utc": datetime.now(UTC).isoformat(), "score": 1})
    )
    assert decide(signed.path).returncode == 0


@pytest.mark.parametrize(
    ("keeping", "both"),
    [(Keeping(last=1), False), (Keeping(last=2), True), (Keeping(days=1), True), (Keeping(days=1, last=1), True)],
    ids=["last", "last-two", "days", "either"],
)
def test_every_kept_decision_keeps_all_that_it_names(signed, vault, keeping, both):
    """A decision whose evidence is gone answers for nothing."""
    first = named(signed)
    second(signed)
    age(vault)
    clear([signed.latest.parent], vault, keeping, datetime.now(UTC))
    assert there(vault) == named(signed) | (first if both else set())


def test_the_newest_decision_keeps_its_evidence_however_old(signed, vault):
    """What is deployed now may have been decided a year ago."""
    clear([signed.latest.parent], vault, Keeping(days=1), NOW + FAR)
    assert there(vault) == named(signed)


def test_a_decision_of_unknown_date_is_kept(signed, vault):
    """What cannot be understood might be what somebody needs."""
    [dated] = signed.latest.parent.glob("promotion_gates_*.json")
    digest = sha256(b"nobody names this").hexdigest()
    (dated.parent / "shard_odd.json").write_text(f"{{ half a file {digest}")
    clear([dated.parent], vault, Keeping(days=1), NOW + FAR)
    assert there(vault) == named(signed) | {digest}


def test_what_is_young_stays(signed, vault):
    """A session keeps its evidence first and names it last."""
    content = b"judged a moment ago"
    vault.keep(sha256(content).hexdigest(), content)
    found = clear([signed.latest.parent], vault, Keeping(last=1), datetime.now(UTC))
    assert (found.young, len(found.removed)) == (1, 3)
    assert sha256(content).hexdigest() in there(vault)


def test_a_session_that_relies_on_old_bytes_makes_them_young(signed, vault):
    """The same file judged again is not written again: its age would say that nobody needs it."""
    content = b"nobody names this"
    listed = [one for one in vault.kept() if one.digest == sha256(content).hexdigest()]
    Vault(vault.path).keep(sha256(content).hexdigest(), content)
    # Listed before the session came, removed after: the age is looked at again.
    assert vault.discard(listed[0], datetime.now(UTC) - timedelta(hours=1)) is False
    assert vault.where(sha256(content).hexdigest()).read_bytes() == content


def test_what_was_moved_aside_by_one_who_was_killed_comes_back(signed, vault):
    """Between looking and removing lies a moment in which the name is gone."""
    digest = next(iter(named(signed)))
    place = vault.where(digest)
    place.rename(place.with_name(f".old-{digest}"))
    clear([signed.latest.parent], vault, Keeping(last=1), datetime.now(UTC))
    assert signed.verify().yes


def test_two_who_clear_at_once_agree(signed, vault):
    """What somebody else has just removed is removed."""
    listed = list(vault.kept())
    clear([signed.latest.parent], vault, Keeping(last=1), datetime.now(UTC))
    assert [vault.discard(one, NOW) for one in listed if one.digest not in named(signed)] == [False] * 3


def test_nothing_is_cleared_while_a_session_runs(signed, vault):
    """What it will name is not known yet."""
    before = there(vault)
    document = {"schema_version": 1, "kind": "decision", "finished": False, "ts_utc": datetime.now(UTC).isoformat()}
    signed.latest.write_text(json.dumps(document))
    done = promotion(signed, "vault", "gc", "--keep-last", "1")
    assert (done.returncode, "has not finished" in done.stderr) == (3, True)
    assert there(vault) == before


@pytest.mark.parametrize("damage", ["gone", "changed", "log"])
def test_nothing_is_cleared_where_a_kept_decision_is_not_as_logged(signed, vault, damage):
    """What a lost decision named cannot be told, and it was to be kept."""
    before = there(vault)
    [dated] = signed.latest.parent.glob("promotion_gates_*.json")
    if damage == "gone":
        dated.unlink()
    elif damage == "changed":
        dated.write_text(json.dumps(signed.document() | {"checks": []}))
    else:
        (dated.parent / NAME).write_bytes(b"nothing\n")
    done = promotion(signed, "vault", "gc", "--keep-days", "1")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert there(vault) == before


def test_a_folder_without_decisions_clears_nothing(signed, vault, tmp_path):
    """A wrong path must not be an order to remove everything."""
    (tmp_path / "none" / "promotion_gates").mkdir(parents=True)
    before = there(vault)
    with pytest.raises(Unproven, match="there is no decision"):
        clear([tmp_path / "none" / "promotion_gates"], vault, Keeping(last=1), NOW + FAR)
    assert there(vault) == before


def test_folders_that_share_a_vault_keep_for_each_other(signed, vault, tmp_path):
    """One project's rubbish is the other's evidence."""
    other = tmp_path / "other" / "promotion_gates"
    shutil.copytree(signed.latest.parent, other, ignore=shutil.ignore_patterns("evidence"))
    first = named(signed)
    second(signed)
    age(vault)
    clear([signed.latest.parent, other], vault, Keeping(last=1), datetime.now(UTC))
    assert there(vault) == first | named(signed)


@pytest.mark.parametrize(
    "words",
    [(), ("--keep-days", "0"), ("--keep-last", "1", "--grace-hours", "1"), ("--keep-last", "1", "--vault", "x")],
    ids=["nothing", "zero", "no-grace", "vault-of-whom"],
)
def test_an_order_that_might_clear_too_much_is_refused(signed, words):
    """A default that removes is a mistake that waits."""
    assert promotion(signed, "vault", "gc", *words).returncode == 4
