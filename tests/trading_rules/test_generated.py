"""Every scalar of every file that the trading gates read, made wrong: a gate notices it, or it is listed as equivalent."""

from __future__ import annotations

import os
import re

import pytest

from tests.trading_rules.equivalents import EQUIVALENTS
from tests.trading_rules.generated import wrong_values
from tests.trading_rules.workspaces import DATA

pytestmark = pytest.mark.slow

# The rest of what they read has rules of its own: reports that are taken by digest, stores, and documents for people.
PARTS = {
    "configuration": r"config/[^/]+\.json$",
    "catalog": r"config/strategy_catalog/catalog_v1\.json$",
    "controllers": r"data/.*/conf/.*\.yml$",
    "compose": r"compose/docker-compose\.yml$",
    "books": r"reports/(reconciliation|portfolio_risk|parity|exchange_snapshots)/latest\.json$",
    "others": r"reports/(paper_soak|coordination|analysis|ml)/.*\.json$",
    "minutes": r"data/.*/minute\.csv$",
    "events": r"reports/event_store/events_.*\.jsonl$",
}
# All of them take hours: `make sweep`, which runs each night. Else each of 400, and the next one in each part.
EACH = 1 if os.environ.get("PROMOTION_SWEEP") == "all" else 400


def equivalent(wrong):
    """Why a wrong value is as good, None where it is not."""
    for path, place, kind, because in EQUIVALENTS:
        if all(map(re.fullmatch, (path, place, kind), (wrong.path, wrong.place, wrong.kind))):
            return because
    return None


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["demo", "live"])
def test_a_wrong_value_is_noticed_or_named(ask_all, workspaces, name, part):
    """What one file says and another one contradicts is wrong for one of those that trade by it."""
    if name not in workspaces:
        pytest.skip(f"the live workspace is not at {DATA}")
    workspace = workspaces[name]
    workspace.renew()
    readers, survivors, tried = {}, [], 0
    for gate, check in ask_all(workspace, ()).items():
        if check["outcome"] == "PASS":
            for path in check["evidence_paths"]:
                readers.setdefault(path, []).append(gate)
    paths = [path for path in sorted(readers) if re.match(PARTS[part], path) and (workspace.root / path).is_file()]
    assert paths, f"no gate reads any of {PARTS[part]}"
    number = list(PARTS).index(part)
    for path in paths:
        for wrong in wrong_values(path, (workspace.root / path).read_bytes()):
            number += 1
            if number % EACH:
                continue
            if workspace.is_old():
                workspace.renew()
            before = (workspace.root / path).read_bytes()
            [content] = [one.content() for one in wrong_values(path, before) if one.id == wrong.id]
            try:
                (workspace.root / path).write_bytes(content)
                outcomes = {check["outcome"] for check in ask_all(workspace, readers[path]).values()}
            finally:
                (workspace.root / path).write_bytes(before)
            tried += 1
            if outcomes == {"PASS"} and equivalent(wrong) is None:
                survivors.append(wrong.id)
    assert survivors == [], "\n".join(survivors)
    assert tried or EACH > 1
