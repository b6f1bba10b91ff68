"""A research run on disk: a bundle, a reality check, regimes and execution evidence, in the smallest whole form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from pytest_promotion.suites.research import service, store

PAYLOAD = {"run_id": "run-1", "signal_name": "momentum", "horizon": 4}
WHOLE = {**PAYLOAD, "dataset_id": "d1", "config_hash": "c1", "git_commit": "a1"}
FIGURES = {"mean_ic": 0.03, "std_ic": 0.1, "t_stat": 9.0, "n_obs": 900, "deflated_sharpe": 1.5}


class Run:
    """The files of a run below `base`; `change` alters one of them."""

    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "reports").mkdir(parents=True)
        self.write(
            "bundle.json",
            {
                "run_id": "run-1",
                "dataset_id": "d1",
                "signal_name": "momentum",
                "freq": "1h",
                "horizons": [1, 4],
                "ic_summary_by_horizon": {"1": dict(FIGURES), "4": dict(FIGURES)},
                "ic_decay_table": [],
                "meta": {"config_hash": "c1", "git_commit": "a1"},
                "ic_summary_by_regime_path": "reports/regimes.csv",
            },
        )
        self.write(
            "rc.json",
            {
                "rc_p_value": 0.01,
                "family_id": "rcfam_1",
                "rc_horizon": 4,
                "hypothesis_ids": ["momentum", "value"],
                "rw_adjusted_p_values": {"momentum": 0.02, "value": 0.6},
            },
        )
        costs = {"fee_bps": 10, "slippage_bps": 5}
        self.write(
            "execution.json",
            {
                "capacity_curve_path": "reports/curve.csv",
                "max_participation_rate": 0.05,
                "min_liquidity_usd": 1e6,
                "cost_config": costs,
            },
        )
        (base / "reports/curve.csv").write_text("size_usd,cost_bps\n1000,16\n2000,20\n")
        (base / "reports/regimes.csv").write_text(
            ",horizon,mean_ic,n_bars,regime,std_ic,t_stat\n"
            "0,4,0.04,300,calm,0.1,6.9\n1,4,0.025,300,wild,0.1,4.3\n2,4,-0.5,30,unknown,0.1,1\n3,1,-0.9,300,calm,0.1,1\n"
        )

    def write(self, name: str, document: Any) -> Path:
        """Puts a document there."""
        path = self.base / "reports" / name
        path.write_text(json.dumps(document))
        return path

    def change(self, name: str, **changes: Any) -> None:
        """Puts other values into a document; of the bundle into its figures, where it has them."""
        document = json.loads((self.base / "reports" / name).read_text())
        for key, value in changes.items():
            inside = key in FIGURES
            where = document["ic_summary_by_horizon"]["4"] if inside else document
            where[key] = value
        self.write(name, document)

    def files(self, *, luck: bool = True, execution: bool = True) -> dict[str, str]:
        """What a candidate of this run names."""
        found = {"validation_bundle_path": "reports/bundle.json"}
        if luck:
            found["rc_summary_path"] = "reports/rc.json"
        if execution:
            found["execution_evidence_path"] = "reports/execution.json"
        return found

    def create(self, conn: Connection, *, luck: bool = True, execution: bool = True, **changes: Any) -> str:
        """A candidate of this run; one with a reality check comes out of a sweep."""
        given = {**PAYLOAD, **({"family_id": "rcfam_1"} if luck else {}), **changes}
        return store.create_candidate(
            conn, service.proposed(given, self.files(luck=luck, execution=execution), self.base)
        )
