"""Accounting: each bot's snapshot is that of a minute row, and the rows hold together."""

from datetime import timedelta

import pytest

from pytest_promotion.suites.trading.documents import book_reports, configuration
from pytest_promotion.suites.trading.documents import controllers as running
from pytest_promotion.suites.trading.documents.typed import settings_of, typed
from pytest_promotion.suites.trading.rules import books, controllers, figures, minutes, scope
from pytest_promotion.suites.trading.rules.minute_totals import wrong_in_newest


@pytest.fixture
def charged(artifact):
    """`charged(row)`: what is wrong with the fees of a minute row, where there are profiles of fees."""

    def wrong(row):
        if not artifact.exists(controllers.FEES):
            return []
        profiles = typed(artifact(controllers.FEES).data, running.FeeProfiles, controllers.FEES)
        return list(controllers.wrong_in_charged(row, profiles))

    return wrong


@pytest.mark.critical(owner="finance", fix="mend the snapshot named here in the bot's minute log, then reconcile again")
def test_accounting_integrity_v2(artifact, charged, freshness, measure, minute_logs, policy, reason, stored_report):
    """Every bot's snapshot is that of a minute row, its numbers are numbers, and it was never paid to trade."""
    if policy.source == "report":
        stored_report("reports/accounting/latest.json")
        return
    report = artifact("reports/reconciliation/latest.json")
    freshness(report)
    facts = typed(report.data, book_reports.Accounts, report.path)
    snapshots = facts.accounting_snapshots
    measure.equals("accounting_snapshots", len(snapshots), facts.checked_bots)
    measure.at_least("checked_bots", facts.checked_bots, 1)
    there = sorted(snapshot.bot for snapshot in snapshots)
    thresholds = artifact(scope.RECONCILIATION).data
    listed = typed(thresholds["bots"], dict, scope.RECONCILIATION, place="bots")
    reconciling = {
        name: settings_of(thresholds, name, configuration.Reconciling, scope.RECONCILIATION).enabled for name in listed
    }
    wanted = sorted(name for name, enabled in reconciling.items() if enabled)
    assert there == wanted, f"{report.path} has snapshots of {there}, {scope.RECONCILIATION} reconciles {wanted}"
    bots = typed(artifact(scope.POLICY)["bots"], dict[str, configuration.PlacedBot], scope.POLICY, place="bots")
    wrong = []
    for number, snapshot in enumerate(snapshots):
        name, place = snapshot.bot, f"{report.path}: accounting_snapshots[{number}]"
        assert name in bots, f"{place}.bot is {name!r}, and {scope.POLICY} has no such bot"
        logs = minute_logs(name, report.timestamp)
        row, of_none = figures.wrong_in_snapshot(place, snapshot, logs)
        wrong += of_none
        wrong += minutes.without_price(logs.near)
        lately = [row for row in logs.rows if row.moment >= report.timestamp - timedelta(days=1) and row.has_price()]
        wrong += minutes.contradictions(lately, scope.place_of(bots[name]))
        wrong += minutes.unknown_states(lately)
        wrong += wrong_in_newest(logs.near)
        if row is not None:
            limits = settings_of(thresholds, name, configuration.Inventory, scope.RECONCILIATION)
            wrong += charged(row)
            wrong += books.wrong_in_inventory(report.path, name, _drifts(report), row, limits)
        measure.at_most(f"{name} daily_loss_pct", snapshot.daily_loss_pct, 1)
        measure.between(f"{name} drawdown_pct", snapshot.drawdown_pct, 0, 1)
        measure.at_least(f"{name} fees", snapshot.fees_paid_today_quote, 0)
        measure.at_least(f"{name} funding", snapshot.funding_paid_today_quote, 0)
    measure.none("figures that other figures contradict", wrong, among=len(snapshots))
    counted = facts.critical_count + facts.warning_count
    measure.equals("findings, recounted", len(facts.findings), counted)
    accounting = [finding for finding in facts.findings if finding.check == "accounting"]
    critical = books.of_severity(accounting, "critical")
    measure.none("critical accounting findings", critical, among=counted, may_be_empty=True)
    reason(f"{len(snapshots)} snapshots are whole, each of a minute row")


def _drifts(report):
    """The findings about inventory, with their drifts."""
    return [
        typed(finding, book_reports.DriftFinding, report.path, place=f"findings[{number}]")
        for number, finding in enumerate(report["findings"])
        if finding["check"] == "inventory"
    ]
