"""The books: reconciliation, parity and portfolio risk, recounted."""

from datetime import timedelta

import pytest

from pytest_promotion.suites.trading.documents import book_reports, configuration
from pytest_promotion.suites.trading.documents.typed import settings_of, typed
from pytest_promotion.suites.trading.rules import books, figures, portfolio, scope

FILLED = "its rows are those since the equity that the report begins with"


@pytest.fixture
def realized(artifact, workspace):
    """`realized(bot)`: a function from a moment to what the bot's fills realised since, in quote currency."""

    def of_bot(bot):
        def since(moment):
            begin, amount = moment - timedelta(minutes=1), 0.0  # a minute row tells of the minute before it
            for path in sorted(workspace.glob(f"data/{bot}/logs/*/*/fills.csv")):
                table = artifact(path.relative_to(workspace), max_age="none", because=FILLED)
                amount += figures.realized_since(table.rows(), begin)
            return amount

        return since

    return of_bot


@pytest.mark.critical(
    owner="operations", fix="mend what reports/reconciliation/latest.json finds, then reconcile again"
)
def test_reconciliation_status(artifact, freshness, measure, policy, reason):
    """Reconciliation is fresh, looked at some bots and found nothing critical."""
    report = artifact("reports/reconciliation/latest.json")
    freshness(report)
    assert report["status"] in ("ok", "warning"), (
        f"{report.path}: status is {report['status']!r}, expected ok or warning"
    )
    if policy.source == "report":
        measure.equals("critical_count", report["critical_count"], 0)
        reason(f"{report['checked_bots']} bots reconciled, {report['warning_count']} warnings")
        return
    facts = typed(report.data, book_reports.Reconciled, report.path)
    found = len(facts.findings)
    critical = books.of_severity(facts.findings, "critical")
    measure.none("critical findings, recounted", critical, among=found, may_be_empty=True)
    measure.equals("critical_count", facts.critical_count, 0)
    measure.at_least("checked_bots", facts.checked_bots, 1)
    warnings = books.of_severity(facts.findings, "warning")
    measure.equals("warnings, recounted", len(warnings), facts.warning_count)
    measure.equals("status", facts.status, "warning" if warnings else "ok")
    another = list(books.about(report.path, "thresholds_path", facts.thresholds_path, scope.RECONCILIATION))
    assert not another, another[0]
    understated = []
    for number, finding in enumerate(facts.findings):
        if finding.check == "inventory":
            details = report["findings"][number]["details"]
            drift = typed(details, book_reports.Drift, report.path, place=f"findings[{number}].details").drift
            thresholds = artifact(scope.RECONCILIATION).data
            limits = settings_of(thresholds, finding.bot, configuration.CriticalInventory, scope.RECONCILIATION)
            if abs(drift) >= limits.inventory_critical:
                understated.append(f"{finding}, a {finding.severity} with a drift of {drift:g}")
    measure.none("findings that are critical by their drift", understated, among=found, may_be_empty=True)
    uncounted = list(books.wrong_in_fills(report.path, report["findings"]))
    measure.none("findings that their own counts contradict", uncounted, among=found, may_be_empty=True)
    remark = f": {', '.join(warnings)}" if warnings else ""
    reason(f"{facts.checked_bots} bots reconciled, {facts.warning_count} warnings{remark}")


@pytest.mark.critical(owner="trading", fix="run the parity service once; look at the bot and the metric named here")
def test_parity_thresholds(artifact, freshness, measure, minute_logs, policy, realized, reason, refused):
    """What the bots did equals what they should have done, within thresholds, for every bot and metric."""
    report = artifact("reports/parity/latest.json")
    freshness(report)
    if policy.source == "report":
        measure.equals("status", report["status"], "pass")
        reason(f"{report['checked_bots']} bots are in parity")
        return
    facts = typed(report.data, book_reports.ParityReport, report.path)
    thresholds = artifact(books.PARITY).data
    measure.equals("thresholds_version", facts.thresholds_version, artifact(books.PARITY)["version"])
    another = list(books.about(report.path, "thresholds_path", facts.thresholds_path, books.PARITY))
    assert not another, another[0]
    listed = typed(artifact(books.PARITY)["bots"], dict, books.PARITY, place="bots")
    plans = {name: settings_of(thresholds, name, configuration.ParityPlan, books.PARITY) for name in listed}
    planned = sorted(name for name, plan in plans.items() if plan.enabled)
    compared = sorted(bot.bot for bot in facts.bots)
    assert compared == planned, f"{report.path} compares {compared}, {books.PARITY} has {planned}"
    bots = typed(artifact(scope.POLICY)["bots"], dict[str, configuration.BotMode], scope.POLICY, place="bots")
    live = [name for name, bot in bots.items() if bot.mode == "live"]
    measure.none("live bots without parity", sorted(set(live) - set(planned)), among=len(bots))
    values, insufficient = 0, {}
    for number, bot in enumerate(facts.bots):
        wrong = [*books.off_plan(bot, plans[bot.bot]), *books.wrong_in_metrics(bot)]
        assert not wrong, f"{report.path}: {'; '.join(wrong)}"
        logs = minute_logs(bot.bot, report.timestamp)
        wrong = list(figures.wrong_in_parity(f"{report.path}: bots[{number}]", bot, logs, realized(bot.bot)))
        assert not wrong, "; ".join(wrong)
        for place, metric in enumerate(bot.metrics):
            what = f"{bot.bot} {metric.metric}"
            if metric.value is None and metric.note == "insufficient_data":
                insufficient[bot.bot] = insufficient.get(bot.bot, 0) + 1
            else:
                distance = abs(measure.number(what, metric.value) - metric.expected)
                inside = distance <= metric.max_abs_delta
                measure.at_most(f"{what} from {metric.expected:g}", distance, metric.max_abs_delta) if inside else None
                assert inside, (
                    f"{report.path}: bots[{number}].metrics[{place}], {what}: value is {metric.value:g}, {distance:g} "
                    f"from the expected {metric.expected:g}; {books.METRICS[metric.metric][1]} of {books.PARITY} is "
                    f"{metric.max_abs_delta:g}"
                )
                values += 1
            measure.equals(f"{what}, by its report", metric.passed, True)
        measure.equals(f"{bot.bot} pass", bot.passed, True)
    remark = " and ".join(f"{count} metrics of {name}" for name, count in insufficient.items())
    assert not refused("insufficient_data", list(insufficient)), f"{report.path}: {remark} have insufficient data"
    measure.at_least("metrics with a value", values, 1)
    measure.equals("checked_bots", facts.checked_bots, len(facts.bots))
    measure.equals("failed_bots", facts.failed_bots, 0)
    measure.equals("status", facts.status, "pass")
    reason(f"{facts.checked_bots} bots are in parity" + (f"; {remark} have insufficient data" if remark else ""))


@pytest.mark.critical(owner="risk", fix="bring the portfolio back inside config/portfolio_limits_v1.json")
def test_portfolio_risk_status(artifact, freshness, measure, minute_logs, policy, reason, refused, setting):
    """The portfolio is inside its limits, and nothing critical was found."""
    report = artifact("reports/portfolio_risk/latest.json")
    freshness(report)
    assert report["status"] in ("ok", "warning"), (
        f"{report.path}: status is {report['status']!r}, expected ok or warning"
    )
    if policy.source == "report":
        measure.equals("critical_count", report["critical_count"], 0)
        reason(f"portfolio action is {report['portfolio_action']}")
        return
    facts = typed(report.data, book_reports.PortfolioRisk, report.path)
    caps = typed(artifact(scope.LIMITS).data, configuration.WarnedCaps, scope.LIMITS)
    bots = typed(artifact(scope.POLICY)["bots"], dict[str, configuration.BotMode], scope.POLICY, place="bots")
    found = len(facts.findings)
    critical = books.of_severity(facts.findings, "critical")
    measure.none("critical findings, recounted", critical, among=found, may_be_empty=True)
    measure.equals("critical_count", facts.critical_count, 0)
    warnings = books.of_severity(facts.findings, "warning")
    measure.equals("warnings, recounted", len(warnings), facts.warning_count)
    measure.equals("status", facts.status, "warning" if warnings else "ok")
    measure.equals("synthetic_breach", facts.synthetic_breach, False)
    scoped, limited = sorted(facts.risk_scope_bots), sorted(caps.bot_action_scope)
    assert scoped == limited, f"{report.path} has {scoped} in scope, {scope.LIMITS} {limited}"
    listed = typed(report["bots"], dict, report.path, place="bots")
    risks = {
        name: typed(listed[name], book_reports.BotRisk, report.path, place=f"bots.{name}")
        for name in sorted(set(limited) | set(listed))
    }
    measure.at_least("bots in scope", len(limited), 1)
    wrong = list(books.about(report.path, "limits_path", facts.limits_path, scope.LIMITS))
    for name, risk in risks.items():
        assert name in bots, f"{report.path}: bots has {name}, and {scope.POLICY} does not"
        logs = minute_logs(name, report.timestamp)
        is_on = bots[name].mode != "disabled"
        wrong += figures.wrong_in_risk(f"{report.path}: bots.{name}", risk, logs, is_on=is_on)
    added_up = portfolio.added_up([risks[name] for name in limited], caps)
    wrong += portfolio.wrong_in_metrics(report.path, facts, added_up)
    details = [
        typed(finding["details"], book_reports.RiskDetails, report.path, place=f"findings[{number}].details")
        for number, finding in enumerate(report["findings"])
    ]
    wrong += portfolio.wrong_in_findings(report.path, facts, details, caps)
    wrong += portfolio.wrong_in_actions(report.path, facts)
    measure.none("figures that other figures contradict", wrong, among=len(risks))
    times = caps.cross_bot_net_exposure_cap_quote / added_up["total_equity_quote"]
    what = f"{scope.LIMITS}: cross_bot_net_exposure_cap_quote by total_equity_quote"
    measure.at_most(what, times, setting("largest_exposure_per_equity"))
    for metric, limit in portfolio.CAPPED.values():
        value, cap = getattr(facts.metrics, metric), getattr(caps, limit)
        assert value <= cap, f"{report.path}: metrics.{metric} is {value:g}, {limit} of {scope.LIMITS} is {cap:g}"
        measure.at_most(metric, value, cap)
    assert facts.portfolio_action != "kill_switch", f"{report.path}: portfolio_action is 'kill_switch'"
    paused = [facts.portfolio_action] if facts.portfolio_action == "soft_pause" else []
    assert not refused("soft_pause", paused), f"{report.path}: portfolio_action is 'soft_pause', expected 'allow'"
    remark = f"; not counted: {', '.join(warnings)}" if warnings else ""
    reason(f"nothing critical, portfolio_action is {facts.portfolio_action}{remark}")
