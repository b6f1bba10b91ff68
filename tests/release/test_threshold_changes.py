"""Changes of thresholds: each covered by a record, each record by evidence and people, or refused."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import yaml
from click.testing import CliRunner

from fixtures import release
from pytest_promotion.canonical import digest
from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release import change_record, thresholds
from tests.release.conftest import REPOSITORY, check_of

FOLDER = "docs/Ops/KB_Threshold_Changes"
RECORD = f"{FOLDER}/KB-TC-20261020-01.yaml"
POLICY = "backend/config/kb_benchmark_policy.json"
APPROVED = "backend/config/kb_benchmark_policy.approved.json"
GATE = "threshold_change_governance"


@pytest.fixture
def target(target):
    """A release in which tomas has put his name under the record, and no signature."""
    edited(target, RECORD, lambda record: record.update(approvals=[{"by": "tomas"}]))
    return target


def asked(root, *words):
    """The exit code and the answer of `promotion threshold-change check`, for which names count without signers."""
    words = words if "--signers" in words else (*words, "--accept-names")
    done = CliRunner().invoke(main, ["threshold-change", "check", "--root", str(root), "--json", *words])
    assert "Traceback" not in done.output
    return done.exit_code, json.loads(done.stdout) if done.stdout.startswith("{") else done.output


def edited(root, name, change):
    """Rewrites a JSON or YAML file by *change*, a function of its data."""
    path = root / name
    plain = path.suffix == ".json"
    data = json.loads(path.read_text()) if plain else yaml.safe_load(path.read_text())
    change(data)
    path.write_text(json.dumps(data) if plain else yaml.safe_dump(data))
    return data


def rerecorded(root, change):
    """Changes the policy, and the record with it, so that only what is tested is wrong."""
    policy = edited(root, POLICY, change)
    approved = json.loads((root / APPROVED).read_text())
    found = list(thresholds.differences(approved, policy))

    def follow(record):
        record["after"] = digest(policy)
        record["changes"] = [
            {"field": one.place, "reason": "it is time"}
            | {name: value for name, value in (("old", one.old), ("new", one.new)) if value is not thresholds.ABSENT}
            for one in found
        ]

    edited(root, RECORD, follow)
    if "prod" in policy:
        replaced(root, f"{QA}/{BENCHMARK}", of_policy(policy))


def of_policy(policy):
    """Makes a benchmark report one with the thresholds and the cases that *policy* has for prod."""

    def change(report):
        limits = {name: least for name, least in policy["prod"].items() if name in thresholds.NUMBERS}
        report.update(thresholds=limits, cases_file=policy["prod"]["cases"])

    return change


def setting(profile, name, value):
    return lambda policy: policy[profile].__setitem__(name, value)


def test_a_recorded_change_is_covered(target):
    """A check that refuses what is in order is answered with a waiver."""
    code, answer = asked(target)
    assert (code, answer["covering"], answer["problems"]) == (0, ["KB-TC-20261020-01"], [])
    assert answer["changes"] == [{"field": "prod.min_recall", "old": "0.75", "new": "0.8", "loosens": False}]


def test_the_approved_policy_needs_no_record_however_it_is_laid_out(target):
    """Whoever reformats a file changes no threshold, and would learn to write records that say nothing."""
    (target / RECORD).unlink()
    (target / POLICY).write_text(json.dumps(json.loads((target / APPROVED).read_text()), indent=7))
    assert asked(target)[0] == 0


@pytest.mark.parametrize(
    "change",
    [
        setting("prod", "min_precision", 0.54),
        setting("prod", "min_recall", 0.79),
        setting("prod", "mode", "optional"),
        setting("prod", "cases", "backend/config/easy.json"),
        setting("staging", "min_recall", 0.751),
        lambda policy: policy["prod"].pop("min_precision"),
        lambda policy: policy.pop("staging"),
        lambda policy: policy.__setitem__("canary", {"mode": "off"}),
        setting("prod", "comment", "only this once"),
    ],
    ids=["precision", "recall", "mode", "cases", "tightened", "field gone", "profile gone", "profile new", "field new"],
)
def test_a_change_without_a_record_is_refused_by_name(target, change):
    """One number in one file decides what may be promoted, and nobody reads that file in a review."""
    edited(target, POLICY, change)
    code, answer = asked(target)
    assert code == 2
    assert answer["problems"][0].startswith("no record covers ")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (setting("prod", "min_recall", float("nan")), 3),
        (setting("prod", "min_content_recall", 1.5), 3),
        (setting("prod", "min_queries", 0), 3),
        (setting("prod", "min_queries", 2.5), 3),
        (setting("prod", "min_recall", -0.1), 3),
        (setting("prod", "min_recall", 1.5), 3),
        (setting("prod", "min_recall", True), 3),
        (setting("prod", "min_recall", "0.8"), 3),
        (setting("prod", "mode", "requried"), 3),
        (lambda policy: policy.clear(), 3),
    ],
    ids=[
        "nan",
        "contents",
        "no queries",
        "half a query",
        "negative",
        "above one",
        "boolean",
        "text",
        "misspelt mode",
        "empty",
    ],
)
def test_a_policy_that_is_none_is_not_judged(target, change, code):
    """Every comparison with NaN is false, also the one that would have failed the benchmark."""
    edited(target, POLICY, change)
    assert asked(target)[0] == code


def test_an_approved_policy_that_was_edited_with_the_other_is_found_by_its_digest(target):
    """Two files in one commit are as easy to change as one."""
    pinned = digest(json.loads((target / APPROVED).read_text()))
    for name in (POLICY, APPROVED):
        edited(target, name, setting("prod", "min_recall", 0.1))
    assert asked(target)[0] == 0
    code, output = asked(target, "--approved-sha256", pinned)
    assert (code, "pinned is" in output) == (3, True)


def _item(part, number, **changes):
    return lambda record: record["evidence"][part][number].update(changes)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda record: record["approvals"].clear(), "0 of 1 people have approved it"),
        (lambda record: record.update(approvals=[{"by": "Ines "}]), "may not approve what he asked for"),
        (lambda record: record.update(approvals=[{"by": "tomas"}, {"by": " TOMAS"}]), "has approved it twice"),
        (lambda record: record.update(approvals=[{"by": "tomas", "ssh": "AAAA"}]), "the policy names no signers"),
        (lambda record: record.update(decision="No-Go"), "expected Go"),
        (lambda record: record.update(decision="Go/No-Go"), "expected Go"),
        (lambda record: record.update(date_utc="2096-10-20T09:30:00Z"), "in the future"),
        (lambda record: record.update(date_utc="2026-10-12T09:30:00Z"), "was made after the record"),
        (lambda record: record.update(date_utc="2026-11-20T09:30:00Z"), "days older than the record"),
        (lambda record: record["evidence"]["monitor"].pop(), "2 monitor reports of prod show a trend, 3 are needed"),
        (lambda record: record["evidence"]["monitor"].append(record["evidence"]["monitor"][0]), "is counted twice"),
        (_item("monitor", 0, sha256="0" * 64), "was approved"),
        (_item("acceptance", 0, path="docs/QA/none.md"), "docs/QA/none.md is missing"),
        (_item("acceptance", 0, path="../../etc/passwd"), "outside the promotion root"),
        (lambda record: record["changes"][0].update(old=0.7), "prod.min_recall was 0.75 and not 0.7 before it"),
        (lambda record: record["changes"][0].update(new=0.9), "its changes lead to the policy"),
        (lambda record: record.update(before="0" * 64), "no record covers prod.min_recall: 0.75 to 0.8"),
    ],
    ids=[
        *("nobody", "oneself", "one person twice", "signature unread", "no go", "undecided", "future"),
        *("before its evidence", "long after it", "two points", "one point twice", "other bytes", "no acceptance"),
        *("outside", "wrong old", "wrong new", "wrong start"),
    ],
)
def test_a_record_that_lacks_something_covers_nothing(target, spoil, said):
    """A form that is filled in is not a decision that was taken."""
    edited(target, RECORD, spoil)
    code, answer = asked(target)
    assert code == 2
    assert said in answer["problems"][0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda record: record.update(aproved_by="tomas"), "aproved_by"),
        (lambda record: record.pop("risk"), "risk"),
        (lambda record: record.update(requested_by=" "), "requested_by"),
        (lambda record: record.update(requested_by="TODO"), "requested_by is 'TODO'"),
        (lambda record: record["changes"][0].update(reason="WHY"), "changes[0].reason is 'WHY'"),
        (lambda record: record["changes"][0].update(reason="why why why why"), "of 3 words at least"),
        (lambda record: record["changes"][0].update(reason="n/a"), "changes[0].reason is 'n/a'"),
        (lambda record: record["risk"].update(impact="WHAT MAY COME OF IT"), "risk.impact is"),
        (lambda record: record["risk"].update(rollback="revert"), "risk.rollback is 'revert'"),
        (lambda record: record.update(date_utc="2026-10-20"), "date_utc"),
        (lambda record: record.update(scope="staging"), "is of the scope 'staging' and changes prod"),
        (lambda record: record["changes"].append(dict(record["changes"][0])), "changes prod.min_recall twice"),
        (lambda record: record["changes"][0].update(new=0.75), "to what it is"),
        (lambda record: record["evidence"].update(review=[]), "review"),
    ],
    ids=[
        *("unknown field", "no risk", "blank name", "no name", "as drafted", "one word, four times", "not applicable"),
        *("impact as drafted", "rollback of one word"),
        *("no time", "other scope", "field twice", "no change", "no review"),
    ],
)
def test_a_record_of_another_form_is_not_judged(target, spoil, said):
    """A record that a program passes over is a change that nobody sees."""
    edited(target, RECORD, spoil)
    code, output = asked(target)
    assert code == 3
    assert said in output


def replaced(root, name, change):
    """Changes a piece of evidence and its digest in the record, as whoever writes both can."""
    path = root / name
    before = sha256(path.read_bytes()).hexdigest()
    edited(root, name, change)
    record = root / RECORD
    record.write_text(record.read_text().replace(before, sha256(path.read_bytes()).hexdigest()))


QA = "docs/QA/KB-TC-20261020-01"
BENCHMARK = "benchmark_20261019T040000Z.json"
REVIEW = "review_20261019T030000Z.json"
MONITORS = [f"monitor_202610{day}T020000Z.json" for day in ("05", "12", "19")]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("monitor_20261019T020000Z.json", lambda one: one["current_metrics"].update(avg_keyword_recall=0.79), "0.79"),
        ("monitor_20261019T020000Z.json", lambda one: one.update(current_metrics=None), "has no number"),
        ("monitor_20261019T020000Z.json", lambda one: one.update(status="error"), "2 monitor reports of prod"),
        ("monitor_20261019T020000Z.json", lambda one: one.update(profile="staging"), "2 monitor reports of prod"),
        ("monitor_20261019T020000Z.json", lambda one: one.pop("generated_at_utc"), "generated_at_utc"),
        (
            "review_20261019T030000Z.json",
            lambda one: one["decision"].update(decision="investigate_before_change"),
            "says investigate_before_change",
        ),
        (BENCHMARK, lambda one: one["thresholds"].update(min_recall=0.75), "has no benchmark of prod with the new"),
        (BENCHMARK, lambda one: one.update(cases_file="backend/config/easy.json"), "the new thresholds and its cases"),
        (BENCHMARK, lambda one: one.update(profile="staging"), "has no benchmark of prod"),
        (BENCHMARK, lambda one: one.update(status="incomplete"), "has no benchmark of prod"),
        (BENCHMARK, lambda one: one.update(kind="kb_monitor"), "has no benchmark of prod"),
        (BENCHMARK, lambda one: one.update(avg_keyword_recall=0.79), "avg_keyword_recall 0.79, and min_recall becomes"),
        (BENCHMARK, lambda one: one.update(avg_keyword_recall=None), "has no number avg_keyword_recall"),
        (BENCHMARK, lambda one: one.update(generated_at_utc="2026-10-21T04:00:00Z"), "was made after the record"),
        ("review_20261019T030000Z.json", lambda one: one.update(decision="keep"), "has no decision"),
        ("review_20261019T030000Z.json", lambda one: one.update(profile="dev"), "no weekly review of prod"),
    ],
    ids=[
        "below it",
        "no figures",
        "an error",
        "other profile",
        "undated",
        "investigate",
        *(
            "old thresholds",
            "other cases",
            "benchmark of staging",
            "of a part",
            "no benchmark",
            "not met",
            "no average",
        ),
        "benchmark after the record",
        "no decision",
        "other review",
    ],
)
def test_evidence_that_speaks_against_the_change_is_read(target, name, change, said):
    """A digest shows that a file is the one that was attached, not that anybody read it."""
    replaced(target, f"{QA}/{name}", change)
    code, answer = asked(target)
    assert code == 2
    assert said in answer["problems"][0]


def test_three_runs_in_one_minute_are_no_trend(target):
    """A workflow that is started three times gives three reports, which say what one says."""
    for number, name in enumerate(MONITORS):
        replaced(target, f"{QA}/{name}", lambda one, at=number: one.update(generated_at_utc=f"2026-10-19T02:00:0{at}Z"))
    said = "the monitor reports of prod are of 2 s, and a trend is one of 7.0 days at least"
    assert said in asked(target)[1]["problems"][0]
    assert asked(target, "--min-trend", "1")[0] == 2


def test_names_alone_are_no_approvals(target, decide):
    """Whoever edits the record can type two names under it."""
    words = ["threshold-change", "check", "--root", str(target)]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "the approval of tomas needs one of" in done.output) == (2, True)
    (target / "docs/Ops/signers.yaml").unlink()
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "who approved it is not known" in done.output) == (2, True)
    assert CliRunner().invoke(main, [*words, "--accept-names"]).exit_code == 0
    refused = check_of(decide(target, only=GATE)[0], GATE)
    assert (refused["outcome"], "who approved it is not known" in refused["reason"]) == ("FAIL", True)
    accept = f"--promotion-set=gates.{GATE}.thresholds.accept_names=true"
    decision, _ = decide(target, accept, only=GATE)
    assert check_of(decision, GATE)["outcome"] == "PASS"
    assert any("accept_names" in one for one in decision["weakened"])


def test_an_acceptance_of_another_change_is_none(target):
    """The acceptance of the last change is the easiest one to attach to this."""
    page = target / QA / "acceptance.md"
    before = sha256(page.read_bytes()).hexdigest()
    page.write_text(page.read_text().replace("KB-TC-20261020-01", "KB-TC-20260101-01"))
    record = target / RECORD
    record.write_text(record.read_text().replace(before, sha256(page.read_bytes()).hexdigest()))
    code, answer = asked(target)
    assert (code, "does not name KB-TC-20261020-01" in answer["problems"][0]) == (2, True)


@pytest.mark.parametrize(
    "change",
    [
        setting("prod", "min_recall", 0.70),
        setting("prod", "mode", "off"),
        setting("prod", "cases", "backend/config/other.json"),
        lambda policy: policy["prod"].pop("min_recall"),
    ],
    ids=["lower", "off", "other cases", "gone"],
)
def test_loosening_needs_two_people_beside_the_one_who_asks(target, change):
    """One colleague is enough to agree to anything on a Friday."""
    rerecorded(target, change)
    code, answer = asked(target)
    assert (code, answer["problems"][0]) == (
        2,
        "KB-TC-20261020-01: 1 of 2 people have approved it, which loosens the policy",
    )
    edited(target, RECORD, lambda record: record["approvals"].append({"by": "mara"}))
    assert asked(target)[0] == 0


def test_records_lead_from_one_to_the_next(target):
    """A second change is made from where the first one led to, and not from the approved policy."""
    first = yaml.safe_load((target / RECORD).read_text())
    policy = edited(target, POLICY, setting("prod", "min_recall", 0.85))
    acceptance = target / QA / "acceptance_2.md"
    acceptance.write_text("Acceptance of KB-TC-20261021-01\n")
    shutil.copy(target / QA / BENCHMARK, target / QA / "benchmark_2.json")
    edited(target, f"{QA}/benchmark_2.json", of_policy(policy))
    second = {
        **first,
        "change_id": "KB-TC-20261021-01",
        "date_utc": "2026-10-21T09:30:00Z",
        "before": first["after"],
        "after": digest(policy),
        "changes": [{"field": "prod.min_recall", "old": 0.8, "new": 0.85, "reason": "recall has held"}],
    }
    second["evidence"] = {
        **first["evidence"],
        "acceptance": [
            {"path": f"{QA}/{file.name}", "sha256": sha256(file.read_bytes()).hexdigest()}
            for file in (acceptance, target / QA / "benchmark_2.json")
        ],
    }
    path = target / FOLDER / "KB-TC-20261021-01.yaml"
    path.write_text(yaml.safe_dump(second))
    assert asked(target)[1]["covering"] == ["KB-TC-20261020-01", "KB-TC-20261021-01"]

    path.write_text(yaml.safe_dump({**second, "date_utc": "2026-10-20T08:00:00Z"}))
    assert "is older than KB-TC-20261020-01" in asked(target)[1]["problems"][0]

    path.write_text(yaml.safe_dump({**second, "change_id": "kb-tc-20261020-01"}))
    assert "are both called" in asked(target)[1]["problems"][0]

    path.write_text(yaml.safe_dump({**second, "before": first["before"]}))
    assert "all start at the same policy" in asked(target)[1]["problems"][0]


def test_a_way_back_that_is_recorded_does_not_go_round_for_ever(target):
    """A change and its rollback lead in a circle, and the policy stands at its start."""
    first = yaml.safe_load((target / RECORD).read_text())
    back = {**first, "change_id": "KB-TC-20261020-02", "before": first["after"], "after": first["before"]}
    back["changes"] = [{"field": "prod.min_recall", "old": 0.8, "new": 0.75, "reason": "back to where it was"}]
    (target / FOLDER / "back.yaml").write_text(yaml.safe_dump(back))
    (target / POLICY).write_text((target / APPROVED).read_text())
    code, answer = asked(target)
    assert (code, answer["covering"], len(answer["unused"])) == (0, [], 2)
    edited(target, POLICY, setting("prod", "min_recall", 0.5))
    assert asked(target)[0] == 2


def test_a_draft_becomes_a_record_when_people_have_filled_it_in(target):
    """Digests that are copied by hand are copied wrongly, and then the check is what is blamed."""
    policy = edited(target, POLICY, setting("prod", "min_precision", 0.6))
    shutil.copy(target / QA / BENCHMARK, target / QA / "benchmark_2.json")
    edited(target, f"{QA}/benchmark_2.json", of_policy(policy))
    words = ["threshold-change", "new", "--root", str(target), "--change-id", "KB-TC-20261121-01"]
    words += ["--requested-by", "ines", "--acceptance", f"{QA}/acceptance_2.md", "--review", f"{QA}/{REVIEW}"]
    words += ["--acceptance", f"{QA}/benchmark_2.json"]
    words += [word for name in MONITORS for word in ("--monitor", f"{QA}/{name}")]
    lacking = CliRunner().invoke(main, words)
    assert (lacking.exit_code, "acceptance_2.md is missing" in lacking.output) == (3, True)
    (target / QA / "acceptance_2.md").write_text("Acceptance of KB-TC-20261121-01\n")
    drafted = CliRunner().invoke(main, words)
    assert drafted.exit_code == 0, drafted.output
    (target / FOLDER / "KB-TC-20261121-01.yaml").write_text(drafted.stdout)
    now = ("--max-evidence-age", "4000")
    assert "changes[0].reason is 'WHY'" in asked(target, *now)[1]
    risk = {"impact": "fewer answers are accepted", "rollback": "a record that goes back"}
    filled = {"approvals": [{"by": "mara"}], "risk": risk}
    filled["changes"] = [{"field": "prod.min_precision", "old": 0.55, "new": 0.6, "reason": "precision has held"}]
    edited(target, f"{FOLDER}/KB-TC-20261121-01.yaml", lambda record: record.update(filled))
    assert "expected Go" in asked(target, *now)[1]["problems"][0]
    filled = {"decision": "Go"}
    edited(target, f"{FOLDER}/KB-TC-20261121-01.yaml", lambda record: record.update(filled))
    assert asked(target, *now)[1]["covering"] == ["KB-TC-20261020-01", "KB-TC-20261121-01"]
    assert CliRunner().invoke(main, words).exit_code == 2  # nothing is left to be recorded


def test_a_template_is_no_record(target):
    """A folder of records begins with the form for them."""
    (target / FOLDER / "KB_Threshold_Change_Template.yaml").write_text("version: 1\nchange_id: …\n")
    assert asked(target)[0] == 0


@pytest.fixture
def signers(target):
    """Three people with SSH keys of their own; `signers(name)` signs the record as one of them."""
    people = ("ines", "tomas", "mara")
    listed = [
        {"name": name, "roles": ["release"], "key": release.keypair(target / f".runtime/{name}").strip()}
        for name in people
    ]
    (target / "signers.yaml").write_text(yaml.safe_dump({"version": 1, "signers": listed}))

    def sign(name, as_name=None):
        words = ["threshold-change", "sign", str(target / RECORD), "--ssh-key", str(target / f".runtime/{name}")]
        done = CliRunner().invoke(main, [*words, "--as", as_name or name])
        assert done.exit_code == 0, done.output
        [approval] = yaml.safe_load(done.stdout)
        edited(target, RECORD, lambda record: record["approvals"].append(approval))

    return sign


def test_where_signers_are_named_a_name_is_not_enough(target, signers):
    """Anybody can write `tomas` under a change."""
    words = ("--signers", str(target / "signers.yaml"))
    code, answer = asked(target, *words)
    assert (code, "the approval of tomas needs one of" in answer["problems"][0]) == (2, True)
    edited(target, RECORD, lambda record: record["approvals"].clear())
    signers("tomas")
    assert asked(target, *words)[0] == 0


def test_the_gate_asks_for_signatures_where_its_policy_names_signers(target, signers, decide):
    """The signers of the promotion policy are who may approve, in the gate as in the command."""
    own = target / "promotion.yaml"
    included = {"include": [str(REPOSITORY / "fixtures/release_policy.yaml")]}
    own.write_text(yaml.safe_dump({"version": 1, **included, "signers": "signers.yaml"}))
    words = (f"--promotion-policy={own}",)
    (target / "docs/Ops/signers.yaml").unlink()
    assert "needs one of `ssh` and `dsse`" in check_of(decide(target, *words, only=GATE)[0], GATE)["reason"]
    edited(target, RECORD, lambda record: record["approvals"].clear())
    signers("tomas")
    assert check_of(decide(target, *words, only=GATE)[0], GATE)["outcome"] == "PASS"


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        (lambda sign: sign("ines"), "ines may not approve what he asked for"),
        (lambda sign: sign("mara", "tomas"), "the signature of tomas is not good"),
        (lambda sign: (sign("tomas"), sign("tomas")), "tomas has approved it twice"),
        (lambda sign: sign("tomas", "nobody"), "'nobody' is nobody who may sign"),
    ],
    ids=["oneself", "another's name", "twice", "a stranger"],
)
def test_a_signature_counts_once_and_for_its_owner(target, signers, sign, said):
    """Two approvals by one hand are one."""
    edited(target, RECORD, lambda record: record["approvals"].clear())
    sign(signers)
    code, answer = asked(target, "--signers", str(target / "signers.yaml"))
    assert (code, said in answer["problems"][0]) == (2, True)


def test_what_is_changed_after_it_was_signed_is_not_approved(target, signers):
    """The reason, the evidence and the risk are part of what somebody agreed to."""
    edited(target, RECORD, lambda record: record["approvals"].clear())
    signers("tomas")
    edited(target, RECORD, lambda record: record["risk"].update(impact="none at all"))
    code, answer = asked(target, "--signers", str(target / "signers.yaml"))
    assert (code, "the signature of tomas is not good" in answer["problems"][0]) == (2, True)


@pytest.mark.parametrize(
    "words",
    [("--at", "yesterday"), ("--min-loosening-approvals", "1"), ("--max-evidence-age", "0")],
    ids=["no moment", "one for loosening", "no age"],
)
def test_words_that_mean_nothing_are_wrong_usage(target, words):
    """An option that is not understood is one that was not applied."""
    assert asked(target, *words)[0] == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (POLICY, b""),
        (POLICY, b"\xef\xbb\xbf{}"),
        (POLICY, b"[]"),
        (APPROVED, None),
        (RECORD, b"- a list\n"),
        (RECORD, b"version: 1\nversion: 1\n"),
        (RECORD, b"\xff\xfe"),
    ],
    ids=["empty", "bom", "a list", "no approved", "a list of records", "twice", "not utf-8"],
)
def test_files_that_cannot_be_read_are_not_judged(target, name, content):
    """Exit code 3 is no yes."""
    if content is None:
        (target / name).unlink()
    else:
        (target / name).write_bytes(content)
    assert asked(target)[0] == 3


def test_the_template_becomes_a_record_when_it_is_filled_in():
    """A template that the program refuses teaches people to write records that it refuses."""
    text = (REPOSITORY / "docs/templates/KB_Threshold_Change_Template.yaml").read_text()
    with pytest.raises(Unproven):
        change_record.read(text.encode(), "template")
    filled = re.sub(r"DIGEST", "0" * 64, text).replace("NUMBER-BEFORE", "0.75").replace("NUMBER-AFTER", "0.8")
    filled = filled.replace("MOMENT", datetime.now(UTC).isoformat()).replace("KB-TC-YYYYMMDD-NN", "KB-TC-20261121-01")
    for word, text in (("NAME", "ines"), ("WHY", "recall has held"), ("WHAT MAY COME OF IT", "fewer answers pass")):
        with pytest.raises(Unproven):
            change_record.read(filled.encode(), "record")
        filled = filled.replace(word, text)
    filled = filled.replace("THE WAY BACK", "a record that goes back")
    record = change_record.read(filled.encode(), "record").record
    assert record.change_id == "KB-TC-20261121-01"


def test_a_flag_that_asks_less_than_the_policy_is_an_unrecorded_change(target, decide):
    """A command line has no review, no record and no second person."""
    words = (f"--promotion-set=required={GATE}", "--profile", "prod", "--promotion-set=refresh=")
    release.git(target, "checkout", "-q", RECORD)
    decision, _ = decide(target, *words)
    assert check_of(decision, GATE)["outcome"] == "PASS"
    decision, _ = decide(target, *words, "--kb-min-recall", "0.79")
    found = check_of(decision, GATE)
    assert found["outcome"] == "FAIL"
    assert "min_recall 0.79 below 0.8" in found["reason"]
    assert any("min_recall: 0.8 to 0.79" in one for one in decision["weakened"])


def test_the_gate_says_what_the_command_says(target, decide):
    """A desk that is told yes by one and no by the other believes the one that says yes."""
    release.git(target, "checkout", "-q", RECORD)
    edited(target, POLICY, setting("prod", "min_recall", 0.6))
    decision, done = decide(target, only=GATE)
    found = check_of(decision, GATE)
    assert (found["outcome"], done.returncode) == ("FAIL", 2)
    assert "no record covers prod.min_recall: 0.8 to 0.6" in found["reason"]


def test_evidence_ages_against_the_record_and_not_against_today(target):
    """A change that was in order stays so, or every release after five weeks would need a new record."""
    later = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    assert asked(target, "--at", later)[0] == 0
