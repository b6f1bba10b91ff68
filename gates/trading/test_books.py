"""The books: reconciliation, parity, portfolio risk and accounting, recounted."""

import pytest

EQUITY_TOLERANCE = 0.01  # of what the balances are worth: prices move between the two readings
ACCOUNTING_TEXTS = ("bot", "exchange", "trading_pair", "fee_source")
ACCOUNTING_NUMBERS = (
    "mid",
    "equity_quote",
    "base_balance",
    "quote_balance",
    "fees_paid_today_quote",
    "funding_paid_today_quote",
    "daily_loss_pct",
    "drawdown_pct",
)


def critical_in(findings):
    """Those of the findings that are critical; one without a severity counts."""
    return [finding for finding in findings if finding.get("severity") not in ("warning", "info")]


@pytest.mark.critical(
    owner="operations", fix="mend what reports/reconciliation/latest.json finds, then reconcile again"
)
def test_reconciliation_status(artifact, freshness, measure, policy, reason):
    """Reconciliation is fresh, looked at some bots and found nothing critical."""
    report = artifact("reports/reconciliation/latest.json")
    freshness(report)
    assert report["status"] in ("ok", "warning"), f"{report.path} says {report['status']!r}"
    measure.equals("critical_count", report["critical_count"], 0)
    if policy.source == "inputs":
        measure.at_least("checked_bots", report["checked_bots"], 1)
        critical, found = critical_in(report["findings"]), len(report["findings"])
        measure.none("critical findings, recounted", critical, among=found, may_be_empty=True)
        measure.equals("warnings, recounted", len(report["findings"]), report["warning_count"])
    reason(f"{report['checked_bots']} bots reconciled, {report['warning_count']} warnings")


@pytest.mark.critical(owner="trading", fix="run the parity service once; look at the bot and the metric named here")
def test_parity_thresholds(artifact, freshness, measure, policy, reason):
    """What the bots did equals what they should have done, within thresholds, for every bot and metric."""
    report = artifact("reports/parity/latest.json")
    freshness(report)
    if policy.source == "inputs":
        bots = report["bots"]
        measure.at_least("bots compared", len(bots), 1)
        for bot in bots:
            name = measure.text("bot", bot["bot"])
            assert bot["metrics"], f"{name} was compared by no metric"
            for metric in bot["metrics"]:
                what = f"{name} {measure.text('metric', metric['metric'])}"
                value = measure.number(what, metric["value"])
                distance = abs(value - measure.number(f"{what}, expected", metric["expected"]))
                measure.at_most(what, distance, metric["max_abs_delta"])
                measure.equals(f"{what}, by its report", metric["pass"], True)
            measure.equals(f"{name} pass", bot["pass"], True)
        measure.equals("checked_bots", report["checked_bots"], len(bots))
        measure.equals("failed_bots", report["failed_bots"], 0)
    measure.equals("status", report["status"], "pass")
    reason(f"{report['checked_bots']} bots are in parity")


@pytest.mark.critical(owner="risk", fix="bring the portfolio back inside config/portfolio_limits_v1.json")
def test_portfolio_risk_status(artifact, freshness, measure, policy, reason):
    """The portfolio is inside its limits and nothing has been stopped."""
    report = artifact("reports/portfolio_risk/latest.json")
    freshness(report)
    assert report["status"] in ("ok", "warning"), f"{report.path} says {report['status']!r}"
    measure.equals("critical_count", report["critical_count"], 0)
    if policy.source == "inputs":
        limits = artifact("config/portfolio_limits_v1.json")
        metrics = report["metrics"]
        measure.equals("portfolio_action", report["portfolio_action"], "allow")
        measure.equals("synthetic_breach", report["synthetic_breach"], False)
        measure.at_least("bots", len(report["bots"]), 1)
        critical, found = critical_in(report["findings"]), len(report["findings"])
        measure.none("critical findings, recounted", critical, among=found, may_be_empty=True)
        for metric, limit in (
            ("portfolio_daily_loss_pct", "global_daily_loss_cap_pct"),
            ("abs_net_exposure_quote", "cross_bot_net_exposure_cap_quote"),
            ("max_equity_share_pct", "concentration_cap_pct"),
        ):
            measure.at_most(metric, metrics[metric], limits[limit])
        assert limits["bot_action_scope"], f"{limits.path} puts no bot in scope"
        for name in limits["bot_action_scope"]:
            measure.at_least(f"{name} equity", report["bots"][name]["equity_quote"], 0)
    reason(f"portfolio action is {report['portfolio_action']}")


@pytest.mark.critical(owner="finance", fix="mend the snapshot named here in the bot's minute log, then reconcile again")
def test_accounting_integrity_v2(artifact, freshness, measure, policy, reason, stored_report):
    """Every bot's snapshot is whole, its numbers are numbers, and it was never paid to trade."""
    if policy.source == "report":
        stored_report("reports/accounting/latest.json")
        return
    report = artifact("reports/reconciliation/latest.json")
    freshness(report)
    snapshots = report["accounting_snapshots"]
    assert snapshots, f"{report.path} has no accounting snapshots"
    for snapshot in snapshots:
        name = snapshot["bot"]
        for field in ACCOUNTING_TEXTS:
            assert isinstance(snapshot[field], str), f"{name}: {field} is {snapshot[field]!r}"
            assert snapshot[field], f"{name}: {field} is empty"
        for field in ACCOUNTING_NUMBERS:
            measure.number(f"{name} {field}", snapshot[field])
        worth = snapshot["quote_balance"] + snapshot["base_balance"] * snapshot["mid"]
        measure.at_most(
            f"{name} equity_quote, recomputed from the balances and mid",
            abs(snapshot["equity_quote"] - worth),
            EQUITY_TOLERANCE * max(1, abs(worth)),
        )
        measure.at_most(f"{name} daily_loss_pct", snapshot["daily_loss_pct"], 1)
        measure.between(f"{name} drawdown_pct", snapshot["drawdown_pct"], 0, 1)
        measure.at_least(f"{name} fees", snapshot["fees_paid_today_quote"], 0)
        measure.at_least(f"{name} funding", snapshot["funding_paid_today_quote"], 0)
    counted = report["critical_count"] + report["warning_count"]
    measure.equals("findings, recounted", len(report["findings"]), counted)
    accounting = [finding for finding in report["findings"] if measure.text("check", finding["check"]) == "accounting"]
    measure.none("critical accounting findings", critical_in(accounting), among=counted, may_be_empty=True)
    reason(f"{len(snapshots)} snapshots are whole")
