"""Evidence that the live test path and the paper path really ran."""

import pytest

PRESENCE = "the contract asks what it says, and not when it was written"


@pytest.mark.critical(owner="trading", fix="start bot4 on its testnet and wait for a minute row")
def test_smoke_checks(artifact, freshness, measure, policy, reason, workspace):
    """The live test path has written minute rows, lately."""
    pattern = policy["logs"]
    if policy.source == "report":
        logs = sorted(workspace.glob(pattern))
        found = [artifact(path.relative_to(workspace), max_age="none", because=PRESENCE) for path in logs]
        assert found, f"nothing matches {pattern}"
        reason(f"{len(found)} minute logs are there")
        return
    log = artifact.latest(pattern, timestamps="ts")
    freshness(log)
    measure.at_least("bytes of the log", log.size_bytes, 1)
    reason(f"{log.path} has a row of {log.timestamp:%H:%M:%S} UTC")


@pytest.mark.critical(owner="trading", fix="set bot3 back to paper mode and let the snapshot service write again")
def test_paper_smoke_matrix(artifact, freshness, measure, policy, reason):
    """The paper bot is on paper, by a snapshot of now."""
    snapshot = artifact("reports/exchange_snapshots/latest.json")
    if policy.source == "report":
        artifact(snapshot.path, max_age="none", because=PRESENCE)
    bot = snapshot["bots"][policy["bot"]]
    modes = [bot[name] for name in ("account_mode", "account_probe_status") if name in bot]
    declared = modes == ["paper_only", "paper_only"]
    exchange = measure.text("exchange", bot["exchange"])
    simulated = exchange.endswith("_paper_trade") and "source" in bot and bot["source"] == "local_minute_proxy"
    assert declared or simulated, f"{policy['bot']} trades on {exchange} and is not shown to be on paper"
    if policy.source == "inputs":
        freshness(snapshot)
        if "account_mode" in bot:  # a paper exchange with a live account behind it is not paper
            measure.equals("account_mode", bot["account_mode"], "paper_only")
        else:
            assert simulated, f"{policy['bot']} has no account_mode, and trades on {exchange}"
    reason(f"{policy['bot']} is on paper at {exchange}")
