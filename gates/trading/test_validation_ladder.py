"""The validation ladder: what paper trading and the first live trades have shown so far."""

import pytest

from pytest_promotion.suites.trading.documents import configuration, reports
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules import ladder, scope

COUNTED = "how many fills there are, whenever they were"


@pytest.mark.warning(owner="trading", fix="let the paper soak run its window")
def test_validation_ladder_paper_soak(artifact, freshness, measure, minute_logs, reason, setting):
    """The paper soak of a paper bot passed, lately, over as many samples as its log can have had."""
    soak = artifact("reports/paper_soak/latest.json")
    freshness(soak)
    if setting("least_samples") == 0:
        measure.at_least("sample_count", soak["sample_count"], 1)
        measure.equals("status", soak["status"], "PASS")
        reason(f"the paper soak passed over {soak['sample_count']} samples")
        return
    facts = typed(soak.data, reports.PaperSoak, soak.path)
    measure.equals("status", facts.status, "PASS")
    bots = typed(artifact(scope.POLICY)["bots"], dict, scope.POLICY, place="bots")
    assert facts.bot in bots, f"{soak.path}: bot is {facts.bot!r}, and {scope.POLICY} has no such bot"
    mode = typed(bots[facts.bot], configuration.BotMode, scope.POLICY, place=f"bots.{facts.bot}").mode
    assert mode == "paper_only", f"{soak.path}: bot is {facts.bot!r}, which is {mode} in {scope.POLICY}"
    measure.at_least(f"{soak.path}: sample_count", facts.sample_count, setting("least_samples"))
    logs = minute_logs(facts.bot, soak.timestamp)
    most = ladder.most_samples(facts, logs.rows)
    measure.at_most(f"{soak.path}: sample_count, by the minutes of the log", facts.sample_count, most)
    if facts.kpis is not reports.UNSET:
        figures = typed(soak["kpis"], dict[str, reports.Kpi], soak.path, place="kpis")
        wrong = list(ladder.wrong_in_kpis(soak.path, figures))
        measure.none("figures outside of their limits", wrong, among=len(figures))
    reason(f"the paper soak of {facts.bot} passed over {facts.sample_count} samples")


@pytest.mark.warning(owner="trading", fix="validate the trades of the last session")
def test_validation_ladder_post_trade(artifact, freshness, measure, policy, reason, workspace):
    """The trades of the last session were validated and nothing critical was found."""
    path = "reports/analysis/post_trade_validation.json"
    if policy["not_yet_run"] == "accept" and not artifact.exists(path):
        measure.equals("not_yet_run", policy["not_yet_run"], "accept")
        reason("not run yet, which this profile accepts")
        return
    report = artifact(path)
    freshness(report)
    assert report["status"] in ("PASS", "WARNING"), f"{path}: status is {report['status']!r}, expected PASS or WARNING"
    for name, stated in ladder.stated_fills(report).items():
        tables = sorted(workspace.glob("data/*/logs/*/*/fills.csv"))
        fills = [artifact(table.relative_to(workspace), max_age="none", because=COUNTED) for table in tables]
        there = sum(1 for table in fills for _ in table.rows())
        measure.between(f"{path}: {name}, by the tables of fills", stated, 1, there)
    reason(f"post-trade validation says {report['status']}")
