"""Who may trade what: the four files that name the bots must agree, and no live bot may slip out of one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_promotion.suites.trading.documents.configuration import (
    Account,
    AccountMap,
    Bot,
    BotPolicy,
    GatingContract,
    PlacedBot,
    PortfolioLimits,
    Reconciliation,
)
from pytest_promotion.suites.trading.rules.minutes import Place

POLICY: Final = "config/multi_bot_policy_v1.json"
ACCOUNTS: Final = "config/exchange_account_map.json"
LIMITS: Final = "config/portfolio_limits_v1.json"
RECONCILIATION: Final = "config/reconciliation_thresholds.json"

PAPER: Final = "_paper_trade"  # how the name of a simulated exchange ends
_TESTNETS: Final = ("testnet", "demo", "sandbox")
_CHECKS: Final = ("inventory_check_enabled", "fill_parity_check_enabled", "accounting_check_enabled")
_PAIRS: Final = ("inventory", "exchange_drift", "fee_drop")
RECONCILED: Final = (*(f"{pair}_{grade}" for pair in _PAIRS for grade in ("warn", "critical")), "turnover_fee_gap_warn")
_ACCOUNT_MODES: Final = {"live": "probe", "testnet_probe": "probe", "paper_only": "paper_only", "disabled": "disabled"}
_SOURCES: Final = {
    "account_mode_source": ACCOUNTS,
    "risk_scope_source": LIMITS,
    "reconciliation_source": RECONCILIATION,
}


def is_testnet(exchange: str) -> bool:
    """Whether the exchange of that name is a test network, where no money is."""
    return any(word in exchange for word in _TESTNETS)


def suits(mode: str, exchange: str) -> bool:
    """Whether a bot of that mode may be connected to that exchange."""
    paper, testnet = exchange.endswith(PAPER), is_testnet(exchange)
    if mode == "paper_only":
        return paper
    if mode == "testnet_probe":
        return testnet and not paper
    return mode == "disabled" or not (paper or testnet or exchange == "none")


def place_of(bot: PlacedBot) -> Place:
    """
    Where the rows of a bot may be from: its exchange, and for a bot that is live the paper exchange of the same venue.

    A live bot may be run on paper, and its rows then say so; a bot on a testnet is there and nowhere else.
    """
    exchanges = [bot.exchange]
    if bot.mode == "live":
        words = bot.exchange.split("_")
        exchanges += ["_".join(words[:count]) + PAPER for count in range(len(words), 0, -1)]
    return Place(exchanges, bot.allowed_symbols)


def disagreements(
    policy: BotPolicy, accounts: AccountMap, limits: PortfolioLimits, reconciled: Mapping[str, Reconciliation]
) -> Iterator[str]:
    """
    The sentences for what is wrong, each with its file and value; none where the four files agree.

    *reconciled* has the settings of the bots that reconciliation names, with the defaults filled in.
    """
    yield from _names(policy, accounts, reconciled)
    for name, bot in policy.bots.items():
        if name not in accounts.bots or name not in reconciled:
            continue  # said above
        yield from _bot(name, bot)
        yield from _account(name, bot, accounts.bots[name])
        yield from _watched(name, bot, reconciled[name])
    yield from _defaults(accounts)
    yield from _shared_credentials(policy, accounts)
    yield from _limits(policy, limits)
    yield from _contract(policy.gating_contract)


def _names(policy: BotPolicy, accounts: AccountMap, reconciled: Mapping[str, Reconciliation]) -> Iterator[str]:
    bots = set(policy.bots)
    if not bots:
        yield f"{POLICY} names no bots"
    if bots != set(accounts.bots):
        yield f"{POLICY} has {sorted(bots)}, {ACCOUNTS} {sorted(accounts.bots)}"
    if missing := bots - set(reconciled):
        yield f"{RECONCILIATION} has nothing for {', '.join(sorted(missing))}"


def _bot(name: str, bot: Bot) -> Iterator[str]:
    place = f"{POLICY}: bots.{name}"
    if bot.enabled and bot.mode == "disabled":
        yield f"{place} is enabled, and its mode is disabled"
    if not suits(bot.mode, bot.exchange):
        yield f"{place}.exchange is {bot.exchange!r}, where a bot of the mode {bot.mode} may not trade"
    if bot.is_on and not bot.allowed_symbols:
        yield f"{place}.allowed_symbols is empty, and the bot is on"
    if bot.mode == "disabled" and bot.portfolio_action_enabled:
        yield f"{place}.portfolio_action_enabled is true, and its mode is disabled"
    if bot.mode != "live":
        return
    if not bot.enabled:
        yield f"{place}.enabled is false, and its mode is live"
    if not bot.portfolio_action_enabled:
        yield f"{place}.portfolio_action_enabled is false: a live bot that the portfolio's kill switch does not stop"
    if bot.max_notional_quote <= 0:
        yield f"{place}.max_notional_quote is {bot.max_notional_quote:g}: a live bot without a limit"


def _account(name: str, bot: Bot, account: Account) -> Iterator[str]:
    place = f"{ACCOUNTS}: bots.{name}"
    wanted = _ACCOUNT_MODES[bot.mode]
    if account.account_mode != wanted:
        yield f"{place}.account_mode is {account.account_mode!r}, expected {wanted!r} for the mode {bot.mode}"
    # One exchange has several connectors: an account of bitget is that of bitget_perpetual and bitget_paper_trade.
    # And the account of a testnet or of paper is not that of the exchange which it imitates, nor the other way round.
    venue = account.exchange != "none" and bot.exchange.startswith(f"{account.exchange}_")
    if bot.exchange != account.exchange and (not venue or is_testnet(bot.exchange) != is_testnet(account.exchange)):
        yield f"{place}.exchange is {account.exchange!r}, and the policy lets the bot trade at {bot.exchange!r}"


def _defaults(accounts: AccountMap) -> Iterator[str]:
    """The default account is one of the bots' accounts: nothing else describes another one."""
    if accounts.defaults not in accounts.bots.values():
        default = accounts.defaults
        yield (
            f"{ACCOUNTS}: defaults is {default.credential_prefix} at {default.exchange} ({default.account_mode}), "
            "which is the account of no bot"
        )


def _watched(name: str, bot: Bot, settings: Reconciliation) -> Iterator[str]:
    place = f"{RECONCILIATION}: of {name}"
    if not bot.is_on:
        if settings.enabled:
            yield f"{place}, which is off, enabled is true, expected false"
        return
    if not settings.enabled:
        yield f"{place}, which is on, enabled is false, expected true"
    # What paper money buys is in no account of an exchange.
    checks = _CHECKS if bot.mode == "paper_only" else (*_CHECKS, "exchange_check_enabled")
    for check in checks:
        if not getattr(settings, check):
            yield f"{place}, which is on, {check} is false, expected true"
    if settings.turnover_fee_gap_warn > settings.fee_drop_critical:
        gap, critical = settings.turnover_fee_gap_warn, settings.fee_drop_critical
        yield f"{place}, turnover_fee_gap_warn is {gap:g}, above fee_drop_critical, {critical:g}"
    for pair in _PAIRS:
        warn, critical = getattr(settings, f"{pair}_warn"), getattr(settings, f"{pair}_critical")
        if warn > critical:
            yield f"{place}, {pair}_warn is {warn:g}, above {pair}_critical, {critical:g}"


def _shared_credentials(policy: BotPolicy, accounts: AccountMap) -> Iterator[str]:
    """A bot that signs in as another one trades with its money, or is taken for it."""
    names = sorted(accounts.bots, key=lambda name: name not in policy.bots or policy.bots[name].mode != "live")
    for place, name in enumerate(names):
        prefix = accounts.bots[name].credential_prefix
        mode = policy.bots[name].mode if name in policy.bots else "unknown"
        for other in names[place + 1 :]:
            if accounts.bots[other].credential_prefix == prefix:
                yield f"{ACCOUNTS}: bots.{other}.credential_prefix is {prefix!r}, that of {name}, which is {mode}"


def _limits(policy: BotPolicy, limits: PortfolioLimits) -> Iterator[str]:
    if not limits.portfolio_kill_switch_on_global_breach:
        yield f"{LIMITS}: portfolio_kill_switch_on_global_breach is false: nothing stops a loss"
    if limits.global_daily_loss_cap_pct >= 1:
        yield f"{LIMITS}: global_daily_loss_cap_pct is {limits.global_daily_loss_cap_pct:g}: all may be lost"
    acting = sorted(name for name, bot in policy.bots.items() if bot.portfolio_action_enabled)
    scope = limits.bot_action_scope
    if sorted(scope) != acting:
        yield f"the policy lets {acting} be acted on, {LIMITS}: bot_action_scope is {sorted(scope)}"
    for name, override in limits.bot_overrides.items():
        if name not in policy.bots:
            yield f"{LIMITS}: bot_overrides.{name} is of a bot that the policy does not name"
        elif name in scope and not override.enabled:
            yield f"{LIMITS}: bot_overrides.{name}.enabled is false, and bot_action_scope has it"
        elif name not in scope and override.enabled:
            yield f"{LIMITS}: bot_overrides.{name}.enabled is true, and bot_action_scope does not have it"
    # The portfolio counts every bot that is not switched off there, and play money makes each loss and share smaller.
    for name in sorted(set(policy.bots) - set(scope) - set(limits.bot_overrides)):
        yield f"{LIMITS}: bot_overrides does not switch {name} off, and bot_action_scope does not have it"


def _contract(contract: GatingContract) -> Iterator[str]:
    # The contract makes this gate critical; a policy that says otherwise is about another contract.
    if not contract.required_on_promotion:
        yield f"{POLICY}: gating_contract.required_on_promotion is false, and this gate is required"
    for field, path in _SOURCES.items():
        source = getattr(contract, field)
        if source not in (path, f"{path}:bot_action_scope"):
            yield f"{POLICY}: gating_contract.{field} is {source!r}, and what is judged is {path}"
