"""One run: a panel is read, its sweep is tested, and the chosen signals get their bundles."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.provenance import git_state
from pytest_promotion.suites.research.measuring.plots import draw
from pytest_promotion.suites.research.measuring.reading import Kind, read_panels
from pytest_promotion.suites.research.measuring.writing import Names, swept, write_bundle, write_sweep
from pytest_promotion.suites.research.plausibility import implausible_in, lookahead
from pytest_promotion.suites.research.policy import shipped
from pytest_promotion.suites.research.series import Series


def measure(
    panel: Sequence[Path],
    out: Path,
    kind: Kind | None = None,
    horizons: Sequence[int] = (1,),
    signals: Sequence[str] = (),
    max_p_value: float = 0.05,
    freq: str = "unknown",
    run_id: str | None = None,
    dataset_id: str | None = None,
    git_commit: str | None = None,
    replicates: int = 1999,
    seed: int = 42,
    plots: bool = False,
) -> dict[str, Any]:
    """
    Measures *panel* and writes what candidates need below *out*.

    Returns:
        as plain values: `signals` and `moments` (counts), `block`, `ranking` by adjusted p-value, `implausible` names,
        and `bundles`, each with its `signal`, path and the command that creates the candidate.

    Raises:
        PolicyError: for a signal or horizon that cannot be, and without a commit.
        Unproven: where the panel cannot be measured.
        OSError: where a file cannot be read or written.
    """
    if len(set(horizons)) != len(horizons):
        raise PolicyError("a horizon is given twice")
    measured = read_panels(panel, kind)
    if measured.kind != "panel" and list(horizons) != [horizons[0]]:
        raise PolicyError(f"{measured.kind} are of one horizon: give --horizon once")
    commit = git_commit or git_state(Path.cwd()).commit
    if commit is None:
        raise PolicyError("there is no git repository here: --git-commit names the commit that made the signals")
    config = {"horizons": list(horizons), "signals": list(measured.signals), "kind": measured.kind, "freq": freq}
    config_hash = digest(config)
    dataset = dataset_id or f"sha256-{measured.sha256[:16]}"
    run = run_id or f"run-{digest([dataset, config_hash, commit])[:12]}"
    names = Names(run, dataset, commit, freq, config_hash)
    sweep = swept(measured, horizons[0], replicates, seed)
    write_sweep(out, sweep, names, horizons[0])
    leaks = implausible_in(sweep.panel, shipped().plausible)
    order = sorted(measured.signals, key=lambda name: (sweep.adjusted(name), name))
    chosen = list(signals) or [n for n in order if sweep.adjusted(n) <= max_p_value and n not in leaks]
    bundles = []
    for signal in chosen:
        place = write_bundle(out, measured, sweep, names, signal, horizons)
        if not signals and signal not in leaks and _late(out, signal, horizons[0]):
            leaks.append(signal)  # its series are on file, for whoever wants to look
            continue
        content = {"signal": signal, "bundle": str(place), "create": _create(out, place, signal, horizons[0], names)}
        if plots:
            content["plot"] = str(draw(out, sweep, signal, _decay(place)))
        bundles.append(content)
    ranking = [
        {"signal": name, "mean": float(sweep.table[name].mean()), "adjusted_p": sweep.adjusted(name)} for name in order
    ]
    return {
        "signals": len(measured.signals),
        "moments": sweep.check.moments,
        "block": sweep.check.config.block,
        "ranking": ranking,
        "implausible": leaks,
        "bundles": bundles,
    }


def _late(out: Path, signal: str, horizon: int) -> bool:
    """Whether the loss of one bar looks like lookahead; False where there is nothing to compare with."""
    folder = out / "reports/csv"
    now, late = folder / f"ic_series_{signal}_h{horizon}.csv", folder / f"ic_late_{signal}_h{horizon}.csv"
    if not late.exists():
        return False
    try:
        series = [Series.read(path.read_bytes(), path.name) for path in (now, late)]
        found, _ = lookahead(series[0], series[1], shipped().plausible)
    except Unproven:
        return False
    return bool(found)


def _decay(place: Path) -> dict[int, float]:
    import json

    content = json.loads(place.read_text(encoding="utf-8"))
    return {int(key): value["mean_ic"] for key, value in content["ic_summary_by_horizon"].items()}


def _create(out: Path, place: Path, signal: str, horizon: int, names: Names) -> str:
    words = ["promotion", "candidates", "create", "--from-run", names.run_id, "--signal", signal]
    words += ["--horizon", str(horizon), "--family-id", names.family_id, "--evidence-base-path", str(out)]
    words += ["--bundle-path", place.relative_to(out).as_posix(), "--sweep-panel-path", "reports/csv/sweep_panel.csv"]
    words += ["--rc-summary-path", "reports/rc_summary.json"]
    return shlex.join(words)
