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
@click.option("--ic-mean-min", type=float, default=0.02, show_default=True, help="Least mean information coefficient.")
@click.option(
    "--tstat-min", type=float, default=2.5, show_default=True, help="Least t-statistic of the information coefficient."
)
@click.option(
    "--p-value-max",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Greatest p-value of the t-statistic.",
)
@click.option(
    "--deflated-sharpe-min",
    type=float,
    default=1.0,
    show_default=True,
    help="Least deflated Sharpe ratio, in standard errors.",
)
@click.option(
    "--n-obs-min",
    type=click.IntRange(2),
    default=200,
    show_default=True,
    help="Fewest observations that the figures rest on.",
)
@click.option("--require-regime", is_flag=True, help="It has to work in every regime.")
@click.option("--worst-regime-ic-mean-min", type=float, help="With --require-regime: how well.")
@click.option("--require-rc", is_flag=True, help="The reality check has to pass; of a sweep it always has.")
@click.option(
    "--max-rc-p-value",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Greatest p-value of the reality check.",
)
@click.option(
    "--rc-blocks-min", type=click.IntRange(1), default=50, show_default=True, help="Blocks that it was drawn in."
)
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
    allow_missing_exec: bool,
    evidence_base_path: Path | None,
    reports: Path,
    as_json: bool,
    **asked: Any,
) -> int:
    """
    Judge a candidate on the files that it named, and record what was found: it goes one step up, or is rejected.

    What is exploratory becomes a candidate, and a candidate is accepted. Exit code 0 it is accepted now, 2 it is not,
    3 its evidence could not be judged, or there is no such candidate: no status changed then.
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
    try:
        thresholds = gating.ThresholdConfig(**asked)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    with opened(db) as connection:
        from pytest_promotion.suites.research import service

        found = service.evaluate_and_record(
            connection,
            candidate_id,
            thresholds,
            allow_missing_execution_evidence=allow_missing_exec,
            evidence_base_path=evidence_base_path,
            vault=Vault(reports / "promotion_gates" / "evidence"),
        )
    if as_json:
        say_json(found.document() | {"candidate_id": candidate_id})
    else:
        say(f"{candidate_id}: {found.new_status if found.judged else 'could not be judged'}")
        for line in (*found.reasons, *found.warnings):
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
@click.option("--approver", help="Who approved it; needed to accept, and shown wherever the candidate is.")
def set_status(candidate_id: str, status: str, db: str, reason: str, approver: str | None) -> int:
    """Change a status by hand. Exit code 0 it is changed, 3 there is no such candidate, 4 there is no such step."""
    with opened(db) as connection:
        from pytest_promotion.suites.research import store

        store.update_status(connection, candidate_id, status, reason, approver=approver)
    say(f"{candidate_id}: {status}")
    return 0
