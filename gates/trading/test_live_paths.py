"""Evidence that the live test path and the paper path really ran."""

import pytest

from pytest_promotion.suites.trading.documents import configuration, reports
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules import figures, minutes, scope

PRESENCE = "the contract asks what it says, and not when it was written"


@pytest.mark.critical(owner="trading", fix="start bot4 on its testnet and wait for a minute row")
def test_smoke_checks(artifact, freshness, measure, policy, reason, workspace):
    """The live test path has written minute rows, lately, while it was running, at a price."""
    pattern = policy["logs"]
    if policy.source == "report":
        logs = sorted(workspace.glob(pattern))
        found = [artifact(path.relative_to(workspace), max_age="none", because=PRESENCE) for path in logs]
        assert found, f"nothing matches {pattern}"
        reason(f"{len(found)} minute logs are there")
        return
    newest = artifact.latest(pattern, timestamps="ts")
    freshness(newest)
    paths = sorted(path.relative_to(workspace).as_posix() for path in workspace.glob(pattern))
    logs = [artifact(path, timestamps="ts") for path in paths]
    name = newest.path.split("/")[1]
    bots = typed(artifact(scope.POLICY)["bots"], dict, scope.POLICY, place="bots")
    assert name in bots, f"{newest.path} is of {name}, and {scope.POLICY} has no such bot"
    place = scope.place_of(typed(bots[name], configuration.PlacedBot, scope.POLICY, place=f"bots.{name}"))
    # The bot may have several logs; those that it has stopped to write say nothing of today.
    for log in [log for log in logs if log.path == newest.path or log.age <= policy.max_age]:
        rows = minutes.inspected(log.rows(), log.timestamp, policy.max_age, place)
        measure.none(f"wrong rows of {log.path}", rows.problems, among=rows.rows)
        if log.path == newest.path:
            state = rows.newest_state
    reason(f"{newest.path} has a row of {newest.timestamp:%H:%M:%S} UTC, {state}")


@pytest.mark.critical(owner="trading", fix="set bot3 back to paper mode and let the snapshot service write again")
def test_paper_smoke_matrix(artifact, freshness, measure, minute_logs, policy, reason, refused):
    """The paper bot is on paper, by a snapshot of now that has every bot which is on."""
    snapshot = artifact("reports/exchange_snapshots/latest.json")
    if policy.source == "report":
        artifact(snapshot.path, max_age="none", because=PRESENCE)
        bot = snapshot["bots"][policy["bot"]]
        exchange = measure.text("exchange", bot["exchange"])
        modes = [bot[name] for name in ("account_mode", "account_probe_status") if name in bot]
        simulated = exchange.endswith(scope.PAPER) and "source" in bot and bot["source"] == "local_minute_proxy"
        on_paper = modes == ["paper_only", "paper_only"] or simulated
        assert on_paper, f"{policy['bot']} trades on {exchange} and is not shown to be on paper"
        reason(f"{policy['bot']} is on paper at {exchange}")
        return
    freshness(snapshot)
    facts = typed(snapshot.data, reports.ExchangeSnapshot, snapshot.path)
    bots = typed(artifact(scope.POLICY)["bots"], dict[str, configuration.RunningBot], scope.POLICY, place="bots")
    on = sorted(name for name, bot in bots.items() if bot.is_on)
    missing = [name for name in on if name not in facts.bots]
    measure.none("bots that are on, and not in the snapshot", missing, among=len(on))
    name = policy["bot"]
    assert name in facts.bots, f"{snapshot.path} has no bot {name}"
    bot = facts.bots[name]
    place = f"{snapshot.path}: bots.{name}"
    assert name in bots, f"{scope.POLICY} has no bot {name}"
    measure.equals(f"{name} mode", bots[name].mode, "paper_only")
    # The account is declared, or known by what the bot's own table names; a live exchange is paper by neither.
    assert bot.exchange.endswith(scope.PAPER), f"{place}.exchange is {bot.exchange!r}, expected one of {scope.PAPER}"
    for field in ("account_mode", "account_probe_status"):
        value = getattr(bot, field)
        assert value in (reports.UNSET, "paper_only"), f"{place}.{field} is {value!r}, expected 'paper_only'"
    strangers = sorted(set(facts.bots) - set(bots))
    measure.none(f"bots of {snapshot.path} that {scope.POLICY} does not have", strangers, among=len(facts.bots))
    measure.none(f"bots of {snapshot.path} from another source", facts.other_sources, among=len(facts.bots))
    if policy["rows_within_sec"] == 0:
        measure.equals("rows_within_sec", policy["rows_within_sec"], 0)
    else:
        wrong = []
        for each, held in facts.bots.items():
            logs = minute_logs(each, snapshot.timestamp)
            wrong += figures.wrong_in_holdings(f"{snapshot.path}: bots.{each}", held, logs, is_on=bots[each].is_on)
        measure.none("figures of no minute row", wrong, among=len(facts.bots))
    probe = facts.account_probe
    failed = probe.failures
    assert not refused("account_probe_error", failed), f"{snapshot.path}: {failed[0]}"
    reason("; ".join([f"{name} is on paper at {bot.exchange}", *failed]))
