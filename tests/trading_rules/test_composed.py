"""What the Compose file gives a bot: files that are there, and nothing of another bot."""

from __future__ import annotations

import pytest

from pytest_promotion.suites.trading.rules.composed import _of_another_bot, _without_file

BOTS = ("bot1", "bot3")


@pytest.mark.parametrize(
    ("service", "entry", "said"),
    [
        ("bot1", {"volumes": ["../data/bot3/conf:/home/conf"]}, "volumes has ../data/bot3/conf, a folder of bot3"),
        ("bot1", {"volumes": [{"type": "bind", "source": "../data/bot3/logs", "target": "/x"}]}, "a folder of bot3"),
        ("bot3", {"environment": ["BOT3_API_KEY=${BOT1_API_KEY:-}"]}, "BOT3_API_KEY=${BOT1_API_KEY:-}, a variable of bot1"),
        ("bot3", {"environment": {"API_KEY": "${BOT1_API_KEY}"}}, "a variable of bot1"),
        ("keys", {"environment": {"BOT3_API_KEY": "${BOT1_API_KEY}"}}, "a variable of bot1"),
    ],
    ids=["folder", "long form", "key", "key without a prefix", "in another service"],
)  # fmt: skip
def test_a_bot_is_given_nothing_of_another(service, entry, said):
    """A paper bot with the keys of the live one trades for real."""
    [found] = _of_another_bot(service, entry, BOTS)
    assert said in found


@pytest.mark.parametrize(
    ("service", "entry"),
    [
        ("bot1", {"volumes": ["../data/bot1/conf:/home/conf/bot3", "../controllers:/x:ro"]}),
        ("bot1", {"environment": ["BOT1_API_KEY=${BOT1_API_KEY:-}", "REDIS_HOST=redis"]}),
        ("bot3", {"environment": {"PASSWORD": "${BOT3_PASSWORD:-${BOT1_PASSWORD:-}}"}}),
        ("watcher", {"volumes": ["../data/bot1:/one", "../data/bot3:/three"], "environment": {"KEY": "${BOT1_KEY}"}}),
    ],
)
def test_what_is_its_own_or_everybodys_is_right(service, entry):
    """A service that watches all bots reads the folders of all."""
    assert list(_of_another_bot(service, entry, BOTS)) == []


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ("/workspace/hbot/config/portfolio_limits_v0.json", "config/portfolio_limits_v0.json"),
        ("${LIMITS:-/workspace/config/a/limits.yml}", "config/a/limits.yml"),
        ("config/limits.yaml", "config/limits.yaml"),
    ],
)
def test_a_file_that_is_named_is_there(value, file):
    """A service that does not find its limits goes on without them."""
    [found] = _without_file("risk", {"LIMITS_PATH": value}, lambda path: False)
    assert found.endswith(f"and there is no {file}")
    assert list(_without_file("risk", {"LIMITS_PATH": value}, lambda path: path == file)) == []
    others = {"A": "/workspace/reports/x/latest.json", "B": "reconfig/limits.json5", "C": "myconfig/limits.json"}
    assert list(_without_file("risk", others, lambda path: False)) == []
