"""What the contract decides on a live workspace, by default and with the stricter rules, and what it takes as equal."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.sessions import environment
from tests.trading_rules.changes import REMOVED, Sabotage, edited, put
from tests.trading_rules.workspaces import DATA, POLICIES, REPOSITORY, redated

pytestmark = pytest.mark.slow
LIVE = pytest.mark.skipif(not (DATA / "redate.py").is_file(), reason=f"the live workspace is not at {DATA}")

# The reports of other programs and of services that have been silent since they were recorded.
RED_BY_DEFAULT = {
    "unit_service_integration_tests": "it was not written by `promotion tests run`",
    "replay_regression_first_class": "window 500 is 'fail': run_1_snapshot_failures:parity_not_pass",
    "service_health": "source_compare_20260224T040058Z.json is",
}
# Of the workspace no report says what it was made from, or which store it judged.
UNBOUND = ("secrets_hygiene", "regression_backtest_harness")
# By default accepted and named in the reason; refused by `strict`.
SETTINGS = {
    "strategy_catalog_consistency": (
        "4 of 8 files are not called as the naming contract says; orders of paper_smoke, testnet_smoke have no notional",
        "epp_v2_4_bot3_paper_smoke.yml, by the naming contract it is epp_v2_4_bot3_bitget_paper_smoke.yml",
    ),
    "parity_thresholds": (
        "3 metrics of bot1 and 4 metrics of bot4 have insufficient data",
        "3 metrics of bot1 and 4 metrics of bot4 have insufficient data",
    ),
    "portfolio_risk_status": (
        "portfolio_action is soft_pause; not counted: concentration_warning (concentration_cap)",
        "portfolio_action is 'soft_pause', expected 'allow'",
    ),
    "event_store_integrity_freshness": (
        "690 rows of hb.market_data.v1 have payload.correlation_id null",
        "690 rows of hb.market_data.v1 have payload.correlation_id null",
    ),
}


def session(root, reports, *words):
    """Ask all gates of the suite about *root*, with its policy."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "gates/trading", "-q", "-p", "no:cacheprovider"),
            "--promotion-policy=gates/trading/promotion.yaml",
            *(f"--promotion-root={root}", f"--promotion-reports={reports}", *words),
        ],
        cwd=REPOSITORY,
        env=environment("ML_ENABLED", "REDIS_URL"),
        capture_output=True,
        check=False,
    )


def checks(root, reports, *words):
    """Every gate's check, by its name, of one session over *root*."""
    session(root, reports, *words)
    decision = json.loads((reports / "promotion_gates/latest.json").read_text())
    return {check["name"]: check for check in decision["checks"]}


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """The live workspace as it is, with nothing made healthy."""
    root = tmp_path_factory.mktemp("live") / "workspace"
    redated(root)
    return root


@LIVE
@pytest.mark.real
def test_the_live_workspace_is_decided_as_the_contract_says(live, tmp_path):
    """A rule that the contract does not have, in force unasked, keeps a healthy system from its promotion for good."""
    found = checks(live, tmp_path)
    assert found["day2_event_store_gate"]["outcome"] == "NOT_APPLICABLE"
    red = {name: check["reason"] for name, check in found.items() if check["outcome"] in ("FAIL", "INCONCLUSIVE")}
    assert red.keys() == RED_BY_DEFAULT.keys(), red
    assert [name for name, words in RED_BY_DEFAULT.items() if words not in red[name]] == []
    told = {name: words for name, (words, _) in SETTINGS.items()}
    assert [name for name, words in told.items() if words not in found[name]["reason"]] == []


@LIVE
@pytest.mark.real
@pytest.mark.parametrize("profile", ["strict", "prod"])
def test_the_stricter_rules_are_in_force_where_they_are_wanted(live, tmp_path, profile):
    """A stage of production that takes the lenient reading for its own has lost the rules it had."""
    found = checks(live, tmp_path, f"--promotion-profile={profile}")
    assert [name for name, (_, words) in SETTINGS.items() if words not in found[name]["reason"]] == []
    assert {name for name, check in found.items() if check["outcome"] != "PASS"} == {
        *RED_BY_DEFAULT,
        *SETTINGS,
        *UNBOUND,
        "day2_event_store_gate",
    }
    assert "its healthcheck is" in found["service_health"]["reason"]


@LIVE
@pytest.mark.real
def test_no_field_that_a_gate_reads_survives_on_the_live_workspace(live, tmp_path):
    """A gate that was only ever proven on the demo may be blind to what a real report looks like."""
    session(live, tmp_path, "--promotion-prove")
    [path] = (tmp_path / "promotion_gates").glob("prove_*.json")
    table = json.loads(path.read_bytes())
    assert [line for gate in table["gates"] for line in gate["survivors"]] == []
    assert table["tried"] > 900


RECONCILIATION = "config/reconciliation_thresholds.json"
EQUIVALENTS = [
    # A bot that had two bundles runs the other one; retiring a bundle is an ordinary change.
    Sabotage(
        "strategy_catalog_consistency",
        "config/strategy_catalog/catalog_v1.json",
        "one-of-two-bundles-left",
        edited(lambda catalog: catalog["approved_bundles"].pop(1)),
        "3 bundles resolve",
    ),
    # The contract asks whether bot3 is on paper, which its own entry shows; the probe asks a real exchange.
    Sabotage(
        "paper_smoke_matrix",
        "reports/exchange_snapshots/latest.json",
        "account-probe-in-error",
        put("account_probe", {"status": "error", "balances": {}, "error": "timeout"}),
        "account_probe.status is 'error', its error 'timeout'",
    ),
    # The default holds in its place, and is judged.
    Sabotage(
        "multi_bot_policy_scope",
        RECONCILIATION,
        "bot1-has-the-default-threshold",
        put("bots/bot1/inventory_critical", REMOVED),
        "4 bots agree",
    ),
    # More is checked than has to be.
    Sabotage(
        "multi_bot_policy_scope",
        RECONCILIATION,
        "paper-bot-is-checked-against-the-exchange",
        put("bots/bot3/exchange_check_enabled", True),
        "4 bots agree",
    ),
    # Stricter than before, and not yet breached.
    Sabotage(
        "multi_bot_policy_scope",
        "config/portfolio_limits_v1.json",
        "smaller-loss-cap",
        put("global_daily_loss_cap_pct", 0.02),
        "4 bots agree",
    ),
    # What a field is for that no rule reads is not known; it is named.
    Sabotage(
        "multi_bot_policy_scope",
        "config/multi_bot_policy_v1.json",
        "unknown-field",
        put("bots/bot1/nickname", "one"),
        "no rule reads bots.bot1.nickname",
    ),
]


@pytest.mark.parametrize("profile", ["default", "ci"])
@pytest.mark.parametrize("name", ["demo", "live"])
@pytest.mark.parametrize("change", EQUIVALENTS, ids=[change.name for change in EQUIVALENTS])
def test_what_is_as_good_passes_and_is_named(ask, healthy, name, profile, change):
    """A gate that refuses an ordinary change is waived, and then it is waived for the others too."""
    workspace = healthy(name, change, profile)
    path = workspace.root / change.path
    before = path.read_bytes()
    try:
        path.write_bytes(change.change(before))
        found = ask(workspace, change.gate, profile)
    finally:
        path.write_bytes(before)
    assert found["outcome"] == "PASS", found["reason"]
    assert change.message in found["reason"]


@pytest.mark.parametrize(
    ("gate", "setting", "value"),
    [
        ("portfolio_risk_status", "soft_pause", "perhaps"),
        ("parity_thresholds", "insufficient_data", None),
        ("event_store_integrity_freshness", "payload_correlation", True),
        ("regression_backtest_harness", "min_events", "many"),
        ("unit_service_integration_tests", "least_coverage_percent", "sixty"),
        ("service_health", "longest_limit_sec", True),
    ],
)
def test_a_bad_setting_is_named_by_its_key(ask, healthy, tmp_path, gate, setting, value):
    """A sentence about a threshold that does not say which one sends people to the report."""
    policy = tmp_path / "promotion.yaml"
    rules = {
        "version": 1,
        "include": [str(REPOSITORY / POLICIES["demo"])],
        "gates": {gate: {"thresholds": {setting: value}}},
    }
    policy.write_text(json.dumps(rules))
    workspace = healthy("demo", Sabotage(gate, "", "", lambda content: content, ""), "default")
    found = ask(workspace, gate, "default", more=(f"--promotion-policy={policy}",))
    assert found["outcome"] == "INCONCLUSIVE"
    assert f"gates.{gate}.thresholds.{setting} is" in found["reason"]
