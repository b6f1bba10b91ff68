"""The gates that a stage brings: a candidate that did not pass the stage before does not enter the next one."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from click.testing import CliRunner

from pytest_promotion import policy as policies
from pytest_promotion.cli import main
from pytest_promotion.clock import iso
from pytest_promotion.custody import deployments, promoted
from pytest_promotion.custody.deployments import Deployment
from pytest_promotion.custody.promoted import Source
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.trust import keys
from tests.custody.conftest import POLICY, Repository

pytestmark = pytest.mark.slow
STAGES = """\
stages:
  dev: {profile: dev}
  staging: {after: dev, profile: default}
  prod: {after: staging, soak: 24h}
"""
SKEW = timedelta(minutes=2)
GATE = "promoted_from[staging]"


@pytest.fixture
def staged(decided: Repository) -> Repository:
    """The repository with three stages."""
    (decided.path / "promotion.yaml").write_text(POLICY + STAGES)
    decided.git("commit", "-qam", "stages")
    return decided


@pytest.fixture
def in_staging(staged: Repository) -> Repository:
    """Its candidate passed dev and staging."""
    for stage in ("dev", "staging"):
        document = staged.decide(stage=stage)
        assert (document["status"], document["stage"]) == ("PASS", stage), document["reasons"]
    return staged


def check(document, name=GATE):
    """The gate called *name* in a decision."""
    [found] = [one for one in document["checks"] if one["name"] == name]
    return found


def set_soak(repository: Repository, soak: str) -> None:
    path = repository.path / "promotion.yaml"
    path.write_text(path.read_text().replace("24h", soak))


def judged(repository: Repository, after: timedelta, **more):
    """What the gate of prod says some time from now."""
    policy = policies.load(repository.path / "promotion.yaml", None, stage="prod")
    folder = repository.latest.parent
    now = datetime.now(UTC) + after
    digest = {"gitCommit": repository.git("rev-parse", "HEAD")}
    source = Source(folder, Vault(folder / "evidence"), now)
    facts = promoted.collect("staging", policy.stage_profiles["staging"], digest, source, **more)
    return promoted.judge(facts, policy.stages["prod"], now, SKEW)


def deployed(repository: Repository, ago: timedelta = timedelta(), **more) -> Deployment:
    """Records a deployment to staging of the newest decision there is."""
    found = Deployment(
        stage="staging",
        subject={"gitCommit": repository.git("rev-parse", "HEAD")},
        run_id=repository.document()["run_id"],
        sha256=more.pop("sha256", sha256(repository.latest.read_bytes()).hexdigest()),
        ts_utc=iso(datetime.now(UTC) - ago),
        **more,
    )
    deployments.record(repository.latest.parent, found)
    return found


def test_a_candidate_that_was_not_in_staging_does_not_enter_production(staged):
    """All gates of production pass, and the step before was left out."""
    document = staged.decide(stage="prod")
    assert document["status"] == "FAIL"
    assert document["critical_failures"] == [GATE]
    found = check(document)
    assert (found["severity"], found["outcome"], found["nodeid"]) == ("critical", "FAIL", "")
    assert "there is no decision of the stage staging about gitCommit:" in found["reason"]


def test_it_soaks(in_staging):
    """A candidate of this minute has shown nothing that takes a day to show."""
    document = in_staging.decide(stage="prod")
    assert document["critical_failures"] == [GATE]
    assert "it has soaked in staging for " in check(document)["reason"]
    [measured] = check(document)["measurements"]
    assert (measured["name"], measured["threshold"], measured["pass"]) == ("soaked_s", 86400.0, False)
    assert "min left" in judged(in_staging, timedelta(hours=23)).against[0]
    assert judged(in_staging, timedelta(hours=24, seconds=1)).against == ()


def test_a_candidate_that_soaked_is_promoted_and_verified(in_staging, saying):
    """A gate that nothing can pass is removed from the policy."""
    set_soak(in_staging, "1s")
    in_staging.git("commit", "-qam", "soak")
    for stage in ("dev", "staging"):
        assert in_staging.decide(stage=stage)["status"] == "PASS"
    time.sleep(1.1)
    document = in_staging.decide(stage="prod")
    assert document["status"] == "PASS", document["reasons"]
    assert check(document)["reason"].startswith("staging decided PASS at ")
    assert ".promotion/promoted_from/staging.json" in check(document)["evidence_paths"]
    assert "may be acted on: yes" in saying(0, "--stage", "prod", profile="")
    assert "may be acted on: yes" in saying(0, "--stage", "prod", "--policy", in_staging.path / "promotion.yaml")
    assert "it is of the stage prod, not of staging" in saying(2, "--stage", "staging", profile="")
    assert "--stage prod, or --any-profile" in saying(3, profile="")
    unknown = saying(4, "--stage", "prd", "--policy", in_staging.path / "promotion.yaml", profile="")
    assert "has no stage 'prd'; did you mean 'prod'?" in unknown
    # Judged again from the vault, in a folder that has no history.
    assert "it has the same outcomes" in saying(0, "--stage", "prod", "--rerun", profile="")


@pytest.mark.parametrize("stage", ["staging", "dev"])
def test_a_stage_before_fails_after_the_promotion(in_staging, saying, stage):
    """The decision of production is the newest of production, and what it rests on was taken back."""
    set_soak(in_staging, "1s")
    policy = in_staging.path / "promotion.yaml"
    policy.write_text(policy.read_text().replace("dev: {profile: dev}", "dev: {profile: default}"))
    in_staging.git("commit", "-qam", "soak")
    for name in ("dev", "staging"):
        assert in_staging.decide(stage=name)["status"] == "PASS"
    time.sleep(1.1)
    assert in_staging.decide(stage="prod")["status"] == "PASS"
    production = in_staging.latest.parent / newest_file(in_staging)
    assert "may be acted on: yes" in saying(0, "--stage", "prod", profile="", file=production)
    assert in_staging.decide(0.1, stage=stage)["status"] == "FAIL"
    sentence = f"{stage}, which it was promoted from, says FAIL since: {newest_file(in_staging)}"
    assert sentence in saying(2, "--stage", "prod", profile="", file=production)
    assert sentence in saying(0, "--stage", "prod", "--allow-superseded", profile="", file=production)
    for name in ("dev", "staging")[("dev", "staging").index(stage) :]:
        assert in_staging.decide(stage=name)["status"] == "PASS"
    assert "may be acted on: yes" in saying(0, "--stage", "prod", profile="", file=production)


def newest_file(repository: Repository) -> str:
    """The name of the file of the newest decision."""
    return max(repository.latest.parent.glob("promotion_gates_*.json"), key=lambda path: path.stat().st_mtime_ns).name


def test_a_decision_of_no_stage_does_not_pass_for_one_of_its_profile(in_staging, saying):
    """`promotion gates --profile prod` runs all gates of production but those that ask for staging, soak and approval."""
    assert in_staging.decide(profile="prod")["status"] == "PASS"
    why = "it is of no stage, so promoted_from[staging] of the stage prod did not run: promotion gates --stage prod"
    assert why in saying(2)
    assert "by --any-profile: it is of no stage" in saying(0, "--any-profile")
    assert in_staging.decide(profile="dev")["status"] == "PASS"
    assert "may be acted on: yes" in saying(0, profile="dev"), "the stage dev brings no gates"


def test_a_decision_of_no_stage_is_not_signed(in_staging):
    """The signature is the last demand before a deployment."""
    in_staging.decide(profile="prod")
    words = ["--key", str(in_staging.key.with_suffix("")), "--project", str(in_staging.path), "--profile", "prod"]
    done = CliRunner().invoke(main, ["sign", str(in_staging.latest), *words])
    assert (done.exit_code, "promoted_from[staging] of the stage prod did not run" in done.output) == (2, True)


def test_a_candidate_whose_stage_before_asks_for_a_key_is_signed_by_another_process(in_staging):
    """The job that signs has the name of the newest decision, the gate that of its dated file."""
    (in_staging.path / "release.pub").write_bytes(in_staging.key.read_bytes())
    path = in_staging.path / "promotion.yaml"
    path.write_text(path.read_text().replace("profile: default}", "profile: default, keys: [release.pub]}"))
    set_soak(in_staging, "1s")
    in_staging.git("add", ".")
    in_staging.git("commit", "-qm", "keys")
    in_staging.decide(stage="dev")
    in_staging.decide(stage="staging")
    for envelopes in in_staging.latest.parent.glob("*.intoto.jsonl"):
        envelopes.unlink()
    key = (in_staging.key.read_bytes(),)
    assert "it is not signed" in judged(in_staging, timedelta(hours=1), keys=key).against[0]
    words = ["--key", str(in_staging.key.with_suffix("")), "--project", str(in_staging.path), "--stage", "staging"]
    assert CliRunner().invoke(main, ["sign", str(in_staging.latest), *words]).exit_code == 0
    assert judged(in_staging, timedelta(hours=1), keys=key).against == ()


def test_a_decision_that_left_the_gate_out_is_refused(in_staging, saying):
    """An edited file leaves out the one line that says no."""
    document = in_staging.decide(stage="prod")
    document["checks"] = [one for one in document["checks"] if one["name"] != GATE]
    in_staging.latest.write_text(json.dumps(document))
    assert f"the required gate {GATE} is not in it" in saying(2, "--stage", "prod", "--allow-unsigned", profile="")


def test_a_demoted_gate_is_refused(in_staging, saying):
    """A warning that the stage before was skipped is a step that is skipped."""
    document = in_staging.decide(stage="prod")
    check(document)["severity"] = "warning"
    in_staging.latest.write_text(json.dumps(document))
    assert f"{GATE} is warning and FAIL, and the stage rests on it" in saying(2, "--stage", "prod", profile="")


@pytest.mark.parametrize(
    "rule", ["severity: warning", "not_applicable: {because: not needed here, when: {profiles: [prod]}}"]
)
def test_the_policy_cannot_change_the_gate(in_staging, rule):
    """A rule for the built-in gate would be the way around it."""
    path = in_staging.path / "promotion.yaml"
    path.write_text(path.read_text().replace("gates: {", f"gates: {{'{GATE}': {{{rule}}}, ", 1))
    document = in_staging.decide(stage="prod")
    assert document["status"] == "FAIL"
    assert f"no gate is called '{GATE}'" in " ".join(document["reasons"])


def test_a_test_of_the_same_name_is_refused(in_staging):
    """A test that always passes would stand for the gate."""
    gates = in_staging.path / "gates/test_gates.py"
    more = (
        '\n\n@pytest.mark.critical\n@pytest.mark.parametrize("stage", ["staging"])\n'
        "def test_promoted_from(artifact, stage):\n"
        '    """Always."""\n    assert artifact("reports/score.json")["score"] > 0\n'
    )
    gates.write_text(gates.read_text() + more)
    document = in_staging.decide(stage="prod")
    assert check(document)["outcome"] == "FAIL"
    assert f"the gate {GATE} has the name of the one that the stage prod brings" in document["reasons"]


def test_a_stage_alone_promotes_nothing(in_staging):
    """A list of warnings and a decision of yesterday are no judgement of the candidate."""
    set_soak(in_staging, "1s")
    path = in_staging.path / "promotion.yaml"
    demoted = "gates: {score: {severity: warning}, runs: {severity: warning}}"
    path.write_text(
        path.read_text().replace("prod: {required: [score, runs]}", f"prod: {{required: [score, runs], {demoted}}}")
    )
    in_staging.git("commit", "-qam", "demoted")
    for stage in ("dev", "staging"):
        in_staging.decide(stage=stage)
    time.sleep(1.1)
    document = in_staging.decide(stage="prod")
    assert check(document)["outcome"] == "PASS"
    assert document["status"] == "FAIL"
    assert "no critical gate ran: nothing shows that the candidate may be promoted" in document["reasons"]


def test_a_newer_fail_in_staging_counts(in_staging):
    """The PASS of this morning is whole, and staging failed since."""
    assert in_staging.decide(0.1, stage="staging")["status"] == "FAIL"
    found = judged(in_staging, timedelta(hours=25))
    assert "may not be acted on: it says FAIL" in found.against[0]


def test_the_soak_of_a_superseded_decision_does_not_count(in_staging):
    """A candidate that was decided again is one whose soak begins again."""
    deployed(in_staging)
    in_staging.decide(stage="staging")
    [found] = judged(in_staging, timedelta(hours=25)).against
    assert "staging runs what was deployed at " in found
    assert "by a superseded decision of it" in found
    deployed(in_staging)
    assert judged(in_staging, timedelta(hours=25)).against == ()


def test_a_decision_without_a_stage_by_the_same_rules_supersedes(in_staging):
    """A FAIL that was taken by `--promotion-profile` is about the same candidate and the same rules."""
    assert in_staging.decide(0.1, profile="default")["status"] == "FAIL"
    sentences = " ".join(judged(in_staging, timedelta(hours=25)).against)
    assert "it says FAIL" in sentences
    assert "it is of no stage, not of staging" in sentences


def test_two_stages_with_one_profile_are_two_stages(in_staging, saying):
    """The rules are the same, and the place is another one."""
    path = in_staging.path / "promotion.yaml"
    path.write_text(path.read_text() + "  second: {after: staging, profile: default}\n")
    in_staging.git("commit", "-qam", "second")
    for stage in ("dev", "staging"):
        in_staging.decide(stage=stage)
    assert "it is of the stage staging, not of second" in saying(2, "--stage", "second", profile="")
    document = in_staging.decide(stage="second")
    assert (document["status"], document["profile"]) == ("PASS", "default")
    assert in_staging.verify("--stage", "staging", profile="").exit_code == 2


def test_another_candidate_runs_in_staging(in_staging):
    """What soaks is what runs, and that is something else by now."""
    deployed(in_staging, sha256="ab" * 32)
    assert "staging runs what was deployed at " in judged(in_staging, timedelta(hours=25)).against[0]


def test_a_deployment_that_was_rolled_back_does_not_soak(in_staging):
    """What was taken away again showed the opposite of what a soak shows."""
    deployed(in_staging)
    deployed(in_staging, ended="rolled back")
    [found] = judged(in_staging, timedelta(hours=25)).against
    assert "the last deployment to staging, at " in found
    assert "ended with 'rolled back'" in found


@pytest.mark.parametrize("flags", [["--allow-dirty"], ["--allow-unjudged-configuration", "--allow-dirty"]])
def test_files_that_were_not_compared_do_not_soak(in_staging, flags):
    """Other bytes than those of the candidate ran in staging for a day, and production took that for its soak."""
    deployed(in_staging, allowances=flags)
    [found] = judged(in_staging, timedelta(hours=25)).against
    assert f"staging runs what was deployed with {', '.join(flags)} at " in found
    deployed(in_staging, -timedelta(minutes=10))
    assert judged(in_staging, timedelta(hours=25)).against == (), "it was deployed once more, without the flag"


def test_a_flag_that_says_nothing_of_the_files_does_not_block(in_staging):
    """A deployment of the commit itself soaks."""
    deployed(in_staging, allowances=["--allow-unjudged-configuration"])
    assert judged(in_staging, timedelta(hours=25)).against == ()


def test_the_soak_counts_from_the_deployment(in_staging):
    """A decision that was not deployed for a day did not soak for a day."""
    deployed(in_staging, -timedelta(minutes=10))
    assert judged(in_staging, timedelta(hours=23)).left == pytest.approx(4200, abs=300)
    assert judged(in_staging, timedelta(hours=25)).against == ()


def test_a_decision_that_had_expired_was_deployed(in_staging):
    """What it rests on was stale by then."""
    deployed(in_staging, -timedelta(hours=10))
    assert "may not be acted on: it expired at " in judged(in_staging, timedelta(hours=35)).against[0]


def test_an_open_incident_of_staging_counts(in_staging):
    """An alert of the monitor is not seen by the person who promotes."""
    place = in_staging.path / "reports/monitor/incidents.json"
    place.parent.mkdir()
    entry = {"rule": "p95", "first_utc": iso(datetime.now(UTC)), "count": 1}
    other = entry | {"deployment": "shop in prod"}
    place.write_text(json.dumps({"schema_version": 1, "open": {"a": other}}))
    assert judged(in_staging, timedelta(hours=25)).against == ()
    mine = entry | {"deployment": "shop in staging"}
    place.write_text(json.dumps({"schema_version": 1, "open": {"a": other, "b": mine}}))
    [found] = judged(in_staging, timedelta(hours=25)).against
    assert found.startswith("the deployment is not healthy: p95 in staging since ")
    place.write_text("{")
    unread = judged(in_staging, timedelta(hours=25))
    assert (unread.against, len(unread.unknown)) == ((), 1)


def test_the_format_of_incidents_is_that_of_the_monitor(in_staging):
    """A monitor that writes another format has no effect here."""
    from pytest_promotion.suites.deployment.monitor.incidents import Channels, Incident, tell

    incident = Incident("p95", "shop in staging", "high", ("oncall",), "slow", ("it is slow",))
    place = in_staging.path / "reports/monitor/incidents.json"
    channels = Channels({"oncall": "http://127.0.0.1:9"})
    tell([incident], (), "shop in staging", channels, place, datetime.now(UTC), 3600.0)
    assert "p95 in staging since " in judged(in_staging, timedelta(hours=25)).against[0]


def test_a_clock_that_was_moved_backwards(in_staging):
    """A decision of tomorrow has soaked for minus a day."""
    found = judged(in_staging, -timedelta(hours=3))
    assert "180 min in the future: the clock of this machine or of that one was moved" in " ".join(found.against)


def test_the_file_of_the_decision_was_changed(in_staging):
    """The history names the bytes that were decided."""
    [*_, newest] = sorted(
        in_staging.latest.parent.glob("promotion_gates_*.json"), key=lambda path: path.stat().st_mtime_ns
    )
    newest.write_bytes(newest.read_bytes() + b"\n")
    assert "is not the file that the history names" in judged(in_staging, timedelta(hours=25)).unknown[0]
    newest.unlink()
    assert judged(in_staging, timedelta(hours=25)).unknown


def test_evidence_of_staging_was_changed(in_staging):
    """The decision is whole, and what it rests on is another file by now."""
    for path in (in_staging.latest.parent / "evidence/sha256").glob("*/*"):
        path.chmod(0o600)
        path.write_bytes(b"x")
    assert "was changed in the vault" in " ".join(judged(in_staging, timedelta(hours=25)).against)


def test_a_dirty_tree_in_staging_is_another_candidate(staged):
    """The commit is the same, and what ran in staging is not what it has."""
    (staged.path / "src/app.py").write_text("ANSWER = 0\n")
    for stage in ("dev", "staging"):
        staged.decide(stage=stage)
    staged.git("checkout", "-q", "src/app.py")
    assert "it was taken in a tree that differs from its commit" in " ".join(
        judged(staged, timedelta(hours=25)).against
    )


def test_the_keys_of_a_stage_have_signed(in_staging, tmp_path):
    """Write access to the reports folder is enough to write a decision of staging."""
    assert judged(in_staging, timedelta(hours=25), keys=(in_staging.key.read_bytes(),)).against == ()
    keys.generate(tmp_path / "other.key")
    other = (tmp_path / "other.key.pub").read_bytes()
    assert judged(in_staging, timedelta(hours=25), keys=(other,)).against


def test_a_candidate_without_a_digest(in_staging):
    """Decisions of other stages can be about a candidate only by a digest."""
    (in_staging.path / ".git").rename(in_staging.path.parent / "gone")
    moved = in_staging.path / "reports/score.json"
    report = json.loads(moved.read_text()) | {"ts_utc": iso(datetime.now(UTC))}
    moved.write_text(json.dumps(report))
    from tests.trust.conftest import decide

    decide(in_staging.path, "--promotion-stage", "prod")
    found = check(in_staging.document())
    assert (found["outcome"], "the candidate has no digest" in found["reason"]) == ("INCONCLUSIVE", True)


def test_an_unknown_stage_is_refused_before_anything_runs(staged):
    """A misspelt stage would be decided by the default profile."""
    from tests.trust.conftest import decide

    before = len(list(staged.latest.parent.glob("promotion_gates_*.json")))
    done = decide(staged.path, "--promotion-stage", "prd")
    assert done.returncode == 4
    assert "has no stage 'prd'; did you mean 'prod'?" in done.stdout + done.stderr
    assert len(list(staged.latest.parent.glob("promotion_gates_*.json"))) == before
    assert (staged.document()["finished"], staged.document()["stage"]) == (False, "prd")


def test_a_damaged_file_of_deployments_is_not_read_over(in_staging):
    """A deployment that is left out is a soak without an interruption."""
    path = in_staging.latest.parent / deployments.NAME
    path.write_text('{"stage": "staging"}\n')
    assert "deployments.jsonl line 1 is not what belongs there" in judged(in_staging, timedelta(hours=25)).unknown[0]
    path.write_bytes(b'{"half')
    deployed(in_staging)
    assert len(path.read_bytes().split(b"\n")) == 3  # half a line does not swallow the next one


def test_shards_of_a_stage_are_merged(in_staging):
    """Each machine would have to know the history, or the gate of the stage is missing in the merge."""
    from click.testing import CliRunner

    from pytest_promotion.cli import main
    from tests.trust.conftest import decide

    set_soak(in_staging, "1s")
    in_staging.git("commit", "-qam", "soak")
    for stage in ("dev", "staging"):
        in_staging.decide(stage=stage)
    time.sleep(1.1)
    folder = in_staging.latest.parent
    for index in (1, 2):
        decide(in_staging.path, "--promotion-stage=prod", f"--promotion-shard={index}/2", "--promotion-run-id=r")
    shards = sorted(map(str, folder.glob("shard_*.json")))
    done = CliRunner().invoke(main, ["merge", *shards, "--reports", str(in_staging.path / "reports")])
    document = in_staging.document()
    assert (document["status"], document["stage"]) == ("PASS", "prod"), done.output
    assert check(document)["outcome"] == "PASS"
    done = CliRunner().invoke(main, ["merge", shards[1], "--reports", str(in_staging.path / "reports")])
    assert check(in_staging.document())["outcome"] == "NOT_RUN"
