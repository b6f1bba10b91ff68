"""Breaking the glass: it takes a quorum, it ends soon, it is never a yes, and nothing follows it until it is answered."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.trust.firm import DIGEST, RULES, Desk, later
from tests.verifying import LOOSE

GOVERNANCE = Path(__file__).parents[2] / "gates" / "governance"
INCIDENTS = "docs/ops/incidents.md"


@pytest.fixture(scope="module")
def _refused(firm, tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("refused") / "desk", firm)
    shutil.copytree(GOVERNANCE, desk.path / "gates" / "governance", ignore=shutil.ignore_patterns("__pycache__"))
    desk.file("promotion.yaml", RULES.replace("version: 1", "version: 1\ninclude: [gates/governance/promotion.yaml]"))
    document = desk.decide()
    assert (document["status"], document["code"]) == ("FAIL", 1)
    assert document["critical_failures"] == ["drift", "other"]
    return desk


@pytest.fixture
def refused(_refused, tmp_path):
    """A desk with the governance gate, whose latest decision says FAIL."""
    return _refused.copy(tmp_path / "desk")


def new(desk, **options):
    """`promotion override new` for the latest decision."""
    asked = {
        "reason": "losses go on without it",
        "incident": "INC-7",
        "requested-by": "dora",
        "expires": later(hours=8),
    }
    flags = [f"--{key}={value}" for key, value in (asked | options).items()]
    return desk.promotion("override", "new", desk.latest, *flags)


def override_of(desk, *names, **options):
    """The file of an override of the latest decision, approved by the people named."""
    done = new(desk, **options)
    assert done.returncode == 0, done.stderr
    [path] = (desk.latest.parent / "overrides").glob("*.override.json")
    for name in names:
        done = desk.promotion("override", "sign", path, *desk.firm.flags(name))
        assert done.returncode == 0, done.stderr
    return path


def verify(desk, path, *words, file=None):
    """What `promotion verify --override` says, and its exit code."""
    done = desk.promotion("verify", *LOOSE, file or desk.latest, "--override", path, "--json", *words)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_an_override_is_neither_yes_nor_no(refused):
    """A deployment that asks for 0 must never be let through by one."""
    path = override_of(refused, "ben", "cleo")
    code, answer = verify(refused, path, "--subject", f"sha256:{DIGEST}")
    assert (code, answer["may_act"]) == (5, False)
    assert answer["overridden"].startswith("by ben, cleo until ")
    assert "INC-7" in answer["overridden"]
    done = refused.promotion("verify", *LOOSE, refused.latest, "--override", path)
    assert done.returncode == 5
    assert "may be acted on: OVERRIDDEN by ben, cleo" in done.stdout
    assert refused.promotion("verify", *LOOSE, refused.latest).returncode == 2
    note = (refused.path / INCIDENTS).read_text()
    assert path.name in note
    assert "INC-7" in note
    assert "losses go on without it" in note
    assert json.loads(refused.latest.read_bytes())["status"] == "FAIL"


@pytest.mark.parametrize(
    ("names", "words", "said"),
    [
        (("ben",), (), "lacks the approval of any"),
        ((), (), "lacks the approval of any, any"),
        (("ben", "dora"), (), "dora may not approve"),
        (("ben", "eve"), (), "'eve' is nobody who may sign"),
        (("ben", "cleo"), ("--at", later(hours=9)), "expired at"),
        (("ben", "cleo"), ("--at", later(hours=-1)), "yet to come"),
        (("ben", "cleo"), ("--subject", f"sha256:{'b2' * 32}"), "not what else is against it"),
    ],
    ids=["one", "nobody", "the-author", "a-stranger", "over", "not-yet", "another-candidate"],
)
def test_a_bad_override_is_a_no(refused, names, words, said):
    """Each is a way through for fewer people, for longer, or for something else."""
    path = override_of(refused, *names)
    code, answer = verify(refused, path, *words)
    assert (code, answer["overridden"]) == (2, None)
    assert any(said in sentence for sentence in answer["against"]), answer["against"]


FRESH = '''
import pytest

@pytest.mark.critical
def test_fresh(artifact, freshness):
    """The report is of now."""
    freshness(artifact("evidence/report.json"))
'''


def test_it_holds_as_long_as_it_says(refused):
    """Evidence goes stale in minutes; an override that ended with it would be none an hour later."""
    refused.file("gates/test_fresh.py", FRESH)
    assert refused.decide()["valid_until"] is None
    path = override_of(refused, "ben", "cleo")
    code, answer = verify(refused, path, "--at", later(hours=7))
    assert code == 5, answer["against"]
    code, answer = verify(refused, path, "--at", later(hours=9))
    assert code == 2, answer


@pytest.mark.parametrize(
    "change",
    [
        lambda doc: doc.update(reason="because"),
        lambda doc: doc.update(expires=later(hours=20)),
        lambda doc: doc["subject"].update(name="other.whl"),
        lambda doc: doc["approvals"].append(doc["approvals"][0]),
        lambda doc: doc["approvals"][0].update(by="pat"),
        lambda doc: doc.update(approvals=[{"by": "pat"}, {"by": "ana"}]),
        lambda doc: doc.update(kind="waiver"),
        lambda doc: doc.update(more=1),
        lambda doc: doc.pop("incident"),
    ],
    ids=["reason", "expiry", "subject", "twice", "another-name", "names-only", "kind", "key", "incident"],
)
def test_a_changed_override_is_a_no(refused, change):
    """Two people signed these words and no others."""
    path = override_of(refused, "ben", "cleo")
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))
    code, answer = verify(refused, path)
    assert (code, answer["overridden"]) == (2, None)


def test_an_override_is_for_one_decision(refused):
    """A second refusal may be for a worse reason than the one that was overridden."""
    path = override_of(refused, "ben", "cleo")
    refused.report(900)
    refused.decide()
    code, answer = verify(refused, path)
    assert code == 2
    assert any("it overrides another decision" in said for said in answer["against"])


def test_longer_than_the_policy_allows_is_a_no(refused):
    """A glass that stays broken is a door."""
    path = override_of(refused, "ben", "cleo", expires=later(hours=25))
    code, answer = verify(refused, path)
    assert code == 2
    assert any("lasts longer than 24h" in said for said in answer["against"])


def test_a_decision_that_was_tampered_with_is_not_overridden(refused):
    """An override is of a refusal, not of everything that may be wrong with a file."""
    path = override_of(refused, "ben", "cleo")
    vault = refused.latest.parent / "evidence" / "sha256"
    [report] = [one for one in vault.rglob("*") if one.is_file() and b'"drift"' in one.read_bytes()]
    report.chmod(0o644)
    report.write_text("{}")
    code, answer = verify(refused, path)
    assert (code, answer["overridden"]) == (2, None)
    assert any("not what else is against it" in said for said in answer["against"])


def test_a_policy_without_a_rule_allows_no_override(refused):
    """Whoever writes nothing of exceptions wants none."""
    text = (refused.path / "promotion.yaml").read_text()
    refused.file("promotion.yaml", "".join(line for line in text.splitlines(True) if "  override:" not in line))
    refused.decide()
    code, answer = verify(refused, override_of(refused, "ben", "cleo"))
    assert code == 2
    assert any("nothing can be overridden" in said for said in answer["against"])


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"expires": "soon"}, 4, "--expires"),
        ({"expires": "2020-01-01T00:00:00Z"}, 4, "is over"),
        ({"reason": " "}, 3, "reason"),
        ({"incident": ""}, 3, "incident"),
    ],
    ids=["no-time", "over", "no-reason", "no-incident"],
)
def test_new_refuses_what_could_not_count(refused, options, code, said):
    """Nobody has time for a second try while it burns."""
    done = new(refused, **options)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not (refused.path / INCIDENTS).exists()
    assert not list((refused.latest.parent / "overrides").glob("*"))


def test_only_a_refusal_is_overridden_and_only_once(refused):
    """An override of a PASS, or a second one with a later end, would be a licence in stock."""
    refused.report(3)
    assert refused.decide()["status"] == "PASS"
    done = new(refused)
    assert done.returncode == 3
    assert "only a decision that says FAIL is overridden" in done.stderr
    refused.report(31.5)
    refused.decide()
    override_of(refused)
    again = new(refused)
    assert again.returncode == 3
    assert "overridden before" in again.stderr
    assert (refused.path / INCIDENTS).read_text().count(".override.json") == 1


def review(desk, path, name="ben"):
    """Writes and attests the post-mortem."""
    text = desk.file("inc-7.md", "# INC-7\nA venue was down; we watch it now.\n")
    done = desk.promotion("override", "post-mortem", path, "--file", text, *desk.firm.flags(name))
    assert done.returncode == 0, done.stderr
    return path.with_name(path.name.replace(".override.json", ".post-mortem.md"))


def reviewed(desk, *words):
    """What the gate says of the next promotion, of which nothing else is wrong."""
    desk.report(3)
    decision = desk.decide(*words)
    [check] = [one for one in decision["checks"] if one["name"] == "overrides_reviewed"]
    assert (decision["status"] == "PASS") == check["pass"] == (decision["code"] == 0)
    return check


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_nothing_is_promoted_until_the_post_mortem_is_attested(refused, words):
    """An exception that nobody answers for is how the next one becomes the rule."""
    assert reviewed(refused, *words)["reason"] == "nothing was overridden"
    refused.report(31.5)
    refused.decide()
    path = override_of(refused, "ben", "cleo")
    owed = reviewed(refused, *words)
    assert owed["outcome"] == "FAIL"
    assert "incident INC-7 has no post-mortem" in owed["reason"]
    review(refused, path)
    paid = reviewed(refused, *words)
    assert (paid["outcome"], paid["reason"]) == ("PASS", "1 overrides have a post-mortem")


def test_an_override_counts_from_when_it_is_written(refused):
    """One that lacks approvals may get them any minute: the debt is there before the deed."""
    override_of(refused)
    assert reviewed(refused)["outcome"] == "FAIL"


DAMAGE = {
    "the post-mortem is changed": lambda path, post: post.write_text("# Nothing happened\n"),
    "the post-mortem is lost": lambda path, post: post.unlink(),
    "the attestation is lost": lambda path, post: post.with_suffix(".json").unlink(),
    "the attestation is half a file": lambda path, post: post.with_suffix(".json").write_text("{"),
    "the override is lost": lambda path, post: [one.unlink() for one in path.parent.iterdir()],
    "the override is changed": lambda path, post: path.write_text(path.read_text().replace("INC-7", "INC-8")),
    "the override is half a file": lambda path, post: path.write_text(path.read_text()[:99]),
    "the attestation is of another time": lambda path, post: post.with_suffix(".json").write_text(
        post.with_suffix(".json").read_text().replace("-11-", "-12-").replace('"2026', '"2036')
    ),
    "somebody else attested it": lambda path, post: post.with_suffix(".json").write_text(
        post.with_suffix(".json").read_text().replace('"by": "ben"', '"by": "ana"')
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_a_debt_is_not_paid_by_damage(refused, damage):
    """Whoever deletes or edits what is owed must owe it still."""
    path = override_of(refused, "ben", "cleo")
    damage(path, review(refused, path))
    check = reviewed(refused)
    assert check["outcome"] in ("FAIL", "INCONCLUSIVE"), check["reason"]


def test_a_post_mortem_by_a_stranger_is_none(refused):
    """Anybody can write a page."""
    path = override_of(refused, "ben", "cleo")
    review(refused, path, "eve")
    check = reviewed(refused)
    assert check["outcome"] == "FAIL"
    assert "'eve' is nobody who may sign" in check["reason"]


def test_what_is_overdue_says_so(firm):
    """After some days the question is another one: why did nobody write it?"""
    from pytest_promotion.policy import OverrideQuorum
    from pytest_promotion.trust import overrides, signers
    from tests.trust.firm import NOW

    plain = {
        "kind": "override",
        "decision": {"sha256": "0" * 64, "run_id": "r", "ts_utc": NOW.isoformat(), "critical_failures": ["drift"]},
        "subject": {"name": "candidate.whl", "digest": {"sha256": DIGEST}},
        "reason": "losses",
        "incident": "INC-7",
        "requested_by": "dora",
        "created": NOW.isoformat(),
        "expires": (NOW + timedelta(hours=1)).isoformat(),
    }
    who = signers.read(firm.signers().encode(), "signers.yaml")
    owed = overrides.Owed("a.override.json", plain, None, "")
    quorum = OverrideQuorum(max="24h", approvals={"any": 2}, post_mortem_within="3d")
    [soon] = overrides.owing([owed], quorum, who, NOW + timedelta(days=3))
    [late] = overrides.owing([owed], quorum, who, NOW + timedelta(days=3, seconds=1))
    assert "due" not in soon
    assert "it was due 3d after" in late
