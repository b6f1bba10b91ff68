"""Infrastructure plans: what would be lost, what nobody can tell, and that no value is kept."""

from __future__ import annotations

import copy
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.readers.terraform import ACTIONS, read
from pytest_promotion.suites.deployment.plan_masking import masked
from pytest_promotion.suites.deployment.plan_rules import judge, rules

REAL = (
    Path(os.environ.get("PROMOTION_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "terraform"
)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = "hunter2-is-the-password"


def resource(*actions, address="aws_db_instance.main", kind="aws_db_instance", **more):
    change = {
        "actions": list(actions),
        "before": {"password": SECRET},
        "after": {"password": SECRET},
        "after_sensitive": {},
    }
    return {"address": address, "mode": "managed", "type": kind, "name": "main", "change": change} | more


def plan(*changes, **more):
    """A whole plan of an hour ago."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "variables": {"password": {"value": SECRET}},
        "planned_values": {"root_module": {"resources": [{"values": {"password": SECRET}}]}},
        "resource_changes": list(changes) or [resource("no-op")],
        "output_changes": {"url": {"actions": ["update"], "before": SECRET, "after": SECRET}},
        "prior_state": {"values": {"outputs": {"p": {"value": SECRET}}}},
        "configuration": {"root_module": {"variables": {"password": {"default": SECRET}}}},
        "checks": [
            {
                "address": {"to_display": "check.sane"},
                "status": "pass",
                "instances": [{"problems": [{"message": SECRET}]}],
            }
        ],
        "timestamp": "2026-11-21T11:00:00Z",
        "applyable": True,
        "complete": True,
        "errored": False,
    } | more


def judged(document, **asked):
    return judge(read(json.dumps(document).encode(), "plan.json"), rules({"protected": ["aws_db_*"]} | asked), NOW)


@pytest.mark.parametrize("actions", ACTIONS, ids="+".join)
def test_what_is_protected_is_not_lost_in_any_way(actions):
    """A replacement is a destruction with a new thing beside it, and what is forgotten nobody looks after."""
    found = judged(plan(resource(*actions)))
    lost = ACTIONS[actions] in ("destroy", "replace", "forget", "replace and forget")
    assert (found.status, found.lost) == (("fail", ["aws_db_instance.main"]) if lost else ("pass", []))


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ("aws_db_instance", True),
        ("aws_db_instance.main", True),
        ("module.x[0].aws_db_instance.main", False),
        ("*.main", True),
        ("AWS_DB_INSTANCE", False),
        ("aws_s3_*", False),
    ],
)
def test_protection_is_by_address_or_by_type(pattern, holds):
    """A pattern that protects less than it reads is found out on the day."""
    assert (judged(plan(resource("delete")), protected=[pattern]).status == "fail") is holds


def test_an_address_with_brackets_is_meant_as_it_stands():
    """Square brackets are a set of letters to a pattern, and an index to Terraform."""
    address = 'module.x["a"].aws_db_instance.main[0]'
    assert judged(plan(resource("delete", address=address)), protected=[address]).status == "fail"


def test_others_may_be_lost_up_to_a_number():
    """A plan that destroys everything but the database is not what anybody reviewed."""
    gone = [resource("delete", address=f"aws_instance.x{n}", kind="aws_instance") for n in range(3)]
    assert judged(plan(*gone)).status == "pass"
    assert judged(plan(*gone), most_lost=3).status == "pass"
    found = judged(plan(*gone), most_lost=2)
    assert (found.status, found.reasons) == ("fail", ("3 other resources would be lost, at most 2 may be",))


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"errored": True}, "fail", "planning failed"),
        ({"checks": [{"address": {"to_display": "check.sane"}, "status": "fail"}]}, "fail", "check check.sane: fail"),
        ({"checks": [{"address": {"to_display": "check.sane"}, "status": "error"}]}, "fail", "check check.sane: error"),
        ({"checks": [{"address": {"to_display": "c"}, "status": "unknown"}]}, "inconclusive", "was not decided"),
        ({"complete": False}, "inconclusive", "not complete"),
        ({"complete": None}, "inconclusive", "does not say whether the plan is whole"),
        ({"errored": None}, "inconclusive", "does not say whether the plan is whole"),
        ({"timestamp": None}, "inconclusive", "does not say when"),
        ({"timestamp": "2026-11-19T11:00:00Z"}, "inconclusive", "old, the window is 24h"),
        ({"timestamp": "2027-11-19T11:00:00Z"}, "inconclusive", "in the future"),
        ({"timestamp": "2026-11-21T11:00:00"}, "inconclusive", "no offset"),
    ],
    ids=range(11),
)
def test_what_terraform_says_of_its_own_plan_counts(more, status, said):
    """A check block that fails does not fail the plan, and half a plan applies without a word."""
    found = judged(plan(**more))
    assert found.status == status
    assert any(said in reason for reason in found.reasons)


def opentofu(*changes, **more):
    """The same plan as OpenTofu writes it, which counts its own versions."""
    found = plan(*changes, **{"terraform_version": "1.10.3"} | more)
    return {name: value for name, value in found.items() if name not in ("complete", "applyable")}


def test_a_plan_of_opentofu_is_judged():
    """Every plan of OpenTofu was told to use a version of Terraform that it has by its number."""
    found = judged(opentofu(resource("open", address="ephemeral.token", kind="random_password")))
    assert (found.status, found.actions) == ("pass", {"open": 1})
    assert "OpenTofu" in found.notes[0]
    assert judged(opentofu(errored=True)).status == "fail"
    assert judged(opentofu(terraform_version="1.7.2")).status == "inconclusive"  # as of either
    assert judged(opentofu(timestamp=None)).status == "inconclusive"


def test_a_plan_of_terraform_1_15_is_whole_by_what_it_leaves_out():
    """Every plan of it was told to use a version of Terraform that is older."""
    whole = {
        key: value for key, value in plan(terraform_version="1.15.0").items() if key not in ("errored", "applyable")
    }
    assert judged(whole).status == "pass"
    assert judged(whole | {"complete": False}).status == "inconclusive"
    partly = {key: value for key, value in whole.items() if key != "complete"}
    found = judged(partly | {"terraform_version": "1.13.0"})
    assert (found.status, found.reasons) == ("inconclusive", ("this version does not say whether the plan is whole",))
    assert judged(partly | {"errored": True}).status == "fail"


def test_a_check_of_what_is_not_there_yet():
    """The first plan of a resource with a check could never pass."""
    new = resource("create", address="aws_db_instance.new")
    open_ = [{"address": {"to_display": "aws_db_instance.new"}, "status": "unknown"}]
    found = judged(plan(new, checks=open_))
    assert (found.status, found.notes) == ("pass", ["the checks of aws_db_instance.new are decided when it is created"])
    assert judged(plan(new, checks=open_), undecided="refuse").status == "inconclusive"
    assert judged(plan(checks=open_)).status == "inconclusive"  # it is not created by this plan


def test_actions_that_a_plan_invokes_are_listed():
    """A plan that changes no resource may run a program."""
    document = plan(action_invocations=[{"address": "action.restart.web", "config_values": {"password": SECRET}}])
    assert judged(document).notes == ["it would invoke action.restart.web"]
    kept = masked(json.dumps(document).encode(), "plan.json")
    assert SECRET not in json.dumps(kept)
    assert judge(read(json.dumps(kept).encode(), "x"), rules({}), NOW).notes == ["it would invoke action.restart.web"]


def test_drift_is_listed_and_stops_on_request():
    """What was changed by hand is undone by applying, or was the mending of an incident."""
    drifted = plan(resource_drift=[resource("update", address="aws_instance.x", kind="aws_instance")])
    assert (judged(drifted).status, judged(drifted).drifted) == ("pass", ["aws_instance.x"])
    assert judged(drifted, drift="refuse").status == "fail"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Plan: 2 to add, 0 to change, 0 to destroy.",
        b"[]",
        b"{}",
        json.dumps(plan(format_version="2.0")).encode(),
        json.dumps(plan(format_version="0.2")).encode(),
        json.dumps(plan(format_version=1.2)).encode(),
        json.dumps({"format_version": "1.0", "values": {}}).encode(),
        json.dumps(plan()).encode()[:-30],
        json.dumps(plan()).encode() + b'{"format_version":"1.2"}',
        json.dumps(plan(resource_changes={})).encode(),
        json.dumps(plan(resource("frobnicate"))).encode(),
        json.dumps(plan(resource())).encode(),
        json.dumps(plan(resource("delete", "delete"))).encode(),
        json.dumps(plan({"address": "x"})).encode(),
        json.dumps(plan(errored="false")).encode(),
        json.dumps(plan(checks=[{"address": {"to_display": "c"}, "status": "fine"}])).encode(),
        json.dumps(plan(checks=[{"status": "pass"}])).encode(),
    ],
    ids=range(18),
)
def test_what_is_no_plan_is_refused(content):
    """A lenient reader takes the first document of two, and a later version does what this one has not heard of."""
    with pytest.raises(Unproven):
        read(content, "plan.json")
    with pytest.raises(Unproven):
        masked(content, "plan.json")


def test_no_value_is_kept():
    """The vault keeps evidence for years, and whoever may read a decision may read it."""
    document = plan(resource("delete", "create", action_reason="replace_because_cannot_update", new_member=SECRET))
    document["resource_drift"] = [resource("update")]
    document["something_new"] = {"x": SECRET}
    kept = masked(json.dumps(document).encode(), "plan.json")
    assert SECRET not in json.dumps(kept)
    again = read(json.dumps(kept).encode(), "kept.json")
    assert (read(json.dumps(document).encode(), "x").values, again.values) == (True, False)
    assert judge(again, rules({"protected": ["aws_db_*"]}), NOW) == judged(document)


def test_masking_leaves_the_plan_alone():
    """What is judged and what is kept must be of the same thing."""
    document = plan()
    before = copy.deepcopy(document)
    masked(json.dumps(document).encode(), "x")
    assert document == before


@pytest.mark.parametrize(
    "asked",
    [{"protected": [""]}, {"most_lost": -1}, {"drift": "ignore"}, {"max_age": "soon"}, {"protect": []}],
    ids=str,
)
def test_rules_that_protect_nothing_are_refused(asked):
    """A rule that is misspelt is no rule."""
    with pytest.raises(PolicyError):
        rules(asked)


@pytest.mark.skipif(not REAL.is_dir(), reason="the plans that Terraform wrote are not beside the check-out")
@pytest.mark.parametrize(
    ("name", "status", "lost"),
    [("create", "pass", 0), ("noop", "pass", 0), ("replace", "fail", 1), ("destroy", "inconclusive", 2)],
)
def test_plans_that_terraform_wrote(name, status, lost):
    """Samples that were written by hand have the shape that their writer expected."""
    content = (REAL / f"plan_{name}.json").read_bytes()
    found = judge(read(content, name), rules({}), datetime(2026, 11, 20, 16, tzinfo=UTC))
    assert (found.status, len(found.lost)) == (status, lost)
    assert judge(read(content, name), rules({"protected": ["terraform_data"]}), NOW).status == (
        "fail" if lost else "pass"
    )
    assert json.loads(json.dumps(masked(content, name)))["masked_from"]["size_bytes"] == len(content)


def test_the_commands_answer(tmp_path):
    """The exit code is what the pipeline reads."""
    path, out = tmp_path / "plan.json", tmp_path / "out" / "masked.json"
    fresh = {"timestamp": datetime.now(UTC).isoformat()}
    path.write_text(json.dumps(plan(resource("delete"), **fresh)))
    done = CliRunner().invoke(main, ["plan", "check", str(path), "--protect", "aws_db_*"])
    assert (done.exit_code, "aws_db_instance.main is protected, and the plan would destroy it" in done.stdout) == (
        2,
        True,
    )
    assert CliRunner().invoke(main, ["plan", "check", str(path)]).exit_code == 0
    assert CliRunner().invoke(main, ["plan", "check", str(path), "--most-lost", "0"]).exit_code == 2
    assert CliRunner().invoke(main, ["plan", "check", str(path), "--max-age", "soon"]).exit_code == 4
    assert CliRunner().invoke(main, ["plan", "mask", str(path), "--out", str(out)]).exit_code == 0
    report = CliRunner().invoke(main, ["plan", "check", str(out), "--protect", "aws_db_*", "--json"])
    assert ("holds values" in done.stderr, "holds values" in report.stderr) == (True, False)
    assert (report.exit_code, json.loads(report.stdout)["lost"]) == (2, ["aws_db_instance.main"])
    piped = CliRunner().invoke(main, ["plan", "mask", "-"], input=path.read_text())
    assert (piped.exit_code, SECRET in piped.stdout) == (0, False)
    path.write_text("{}")
    assert CliRunner().invoke(main, ["plan", "check", str(path)]).exit_code == 3
    assert CliRunner().invoke(main, ["plan", "mask", str(path), "--out", str(tmp_path / "not.json")]).exit_code == 3
    assert not (tmp_path / "not.json").exists()
