"""`promotion evaluate|set-status`: by its evidence, or by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pytest_promotion.cli.output import say, say_json
from pytest_promotion.suites.research.commands.candidates import STATUSES, opened, plain, stored


@click.command(
    epilog="Example: promotion candidates evaluate --id prom_0123456789abcdef --require-rc --max-rc-p-value 0.05"
)
@stored
@click.option("--id", "candidate_id", required=True, help="Id of the candidate.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What is asked; else what the store used last, else the shipped policy.",
)
@click.option("--approver", help="Who approved that less is asked than the policy in force: another person than you.")
@click.option("--ic-mean-min", type=float, help="Least mean information coefficient.")
@click.option(
    "--tstat-min", type=float, help="Least t-statistic of the information coefficient, with and without HAC errors."
)
@click.option(
    "--p-value-max",
    type=click.FloatRange(0, 1),
    help="Greatest p-value of the t-statistic.",
)
@click.option(
    "--deflated-sharpe-min",
    type=float,
    help="Least deflated Sharpe ratio, in standard errors.",
)
@click.option(
    "--n-obs-min",
    type=click.IntRange(2),
    help="Fewest observations that the figures rest on.",
)
@click.option("--require-regime", is_flag=True, help="It has to work in every regime.")
@click.option("--worst-regime-ic-mean-min", type=float, help="With --require-regime: how well.")
@click.option("--require-rc", is_flag=True, help="The reality check has to pass; of a sweep it always has.")
@click.option(
    "--max-rc-p-value",
    type=click.FloatRange(0, 1),
    help="Greatest p-value of the reality check.",
)
@click.option("--rc-blocks-min", type=click.IntRange(1), help="Blocks that it was drawn in, at least.")
@click.option("--require-exec", is_flag=True, help="That it could be traded; asked of every step up anyway.")
@click.option("--min-liquidity-usd", type=float, help="Least liquidity, in US dollars.")
@click.option(
    "--max-participation", type=click.FloatRange(0, 1), help="Greatest share of the traded volume, from 0 to 1."
)
@click.option("--allow-missing-exec", is_flag=True, help="Do without execution evidence; the record says so.")
@click.option(
    "--evidence-base-path", type=click.Path(path_type=Path, file_okay=False), help="Where the files are, if they moved."
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="What was judged is kept below it, under <reports>/promotion_gates/evidence.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the decision as JSON.")
def evaluate(
    db: str,
    candidate_id: str,
    policy: Path | None,
    approver: str | None,
    allow_missing_exec: bool,
    evidence_base_path: Path | None,
    reports: Path,
    as_json: bool,
    **asked: Any,
) -> int:
    """
    Judge a candidate on the files that it named, and record what was found: it goes one step up, or is rejected.

    What is exploratory becomes a candidate, and a candidate is accepted. Exit code 0 it is accepted now, 2 it is not,
    3 something is missing, declared, too good to be true or cannot be used, or there is no such candidate: no status
    changed then. Exit code 4 less is asked than the policy in force asks, without an approver. Thresholds that are
    given apply to this evaluation, and may only be stricter.
    """
    from pytest_promotion.evidence.vault import Vault
    from pytest_promotion.suites.research import gating

    for ours, theirs in (
        ("require_regime", "require_regime_robustness"),
        ("require_rc", "require_reality_check"),
        ("require_exec", "require_execution_evidence"),
        ("min_liquidity_usd", "min_liquidity_usd_min"),
        ("max_participation", "max_participation_rate_max"),
    ):
        asked[theirs] = asked.pop(ours)
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        thresholds = gating.ThresholdConfig(**given)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    with opened(db) as connection:
        from pytest_promotion.suites.research import service

        found = service.evaluate_and_record(
            connection,
            candidate_id,
            thresholds,
            policy=policy,
            approver=approver,
            allow_missing_execution_evidence=allow_missing_exec,
            evidence_base_path=evidence_base_path,
            vault=Vault(reports / "promotion_gates" / "evidence"),
        )
    if as_json:
        say_json(found.document() | {"candidate_id": candidate_id})
    else:
        say(f"{candidate_id}: {found.new_status if found.judged else 'could not be judged'}")
        for line in (*found.reasons, *(f"open: {one}" for one in found.open_questions), *found.warnings):
            say(f"  {plain(line)}")
    if not found.judged:
        return 3
    return 0 if found.new_status == "accepted" else 2


@click.command(
    "set-status",
    epilog="Example: promotion candidates set-status prom_0123456789abcdef exploratory --reason 'data were corrected'",
)
@click.argument("candidate_id")
@click.argument("status", type=STATUSES)
@stored
@click.option("--reason", required=True, help="Why: it stays in the record.")
@click.option("--approver", help="Who approved it, not you; needed to accept, and shown wherever the candidate is.")
@click.option(
    "--evidence-sha256", help="To accept over files that changed: the digest of what you saw, which `show` prints."
)
def set_status(
    candidate_id: str, status: str, db: str, reason: str, approver: str | None, evidence_sha256: str | None
) -> int:
    """Change a status by hand. Exit code 0 it is changed, 3 there is no such candidate, 4 there is no such step."""
    with opened(db) as connection:
        from pytest_promotion.suites.research import store

        store.update_status(connection, candidate_id, status, reason, approver=approver, evidence_seen=evidence_sha256)
    say(f"{candidate_id}: {status}")
    return 0
