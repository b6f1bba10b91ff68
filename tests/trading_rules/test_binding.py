"""A report about another event store than the one that is there is refused, however young it is."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from tests.trading_rules.changes import Sabotage
from tests.trading_rules.workspaces import edit

pytestmark = pytest.mark.slow

REPORTS = {
    "replay_regression_first_class": "reports/replay_regression_multi_window/latest.json",
    "regression_backtest_harness": "reports/backtest_regression/latest.json",
}


@pytest.fixture(params=REPORTS)
def bound(request, ask, healthy):
    """`bound(change)`: what the gate says of a report about the store, after a change of the store or of the report."""
    gate = request.param
    workspace = healthy("demo", Sabotage(gate, "", "", lambda content: content, ""), "default")
    [store] = (workspace.root / "reports/event_store").glob("events_*.jsonl")
    report = workspace.root / REPORTS[gate]
    before = {path: path.read_bytes() for path in (store, report)}
    content = before[store]
    file = {
        "path": store.relative_to(workspace.root).as_posix(),
        "sha256": sha256(content).hexdigest(),
        "size_bytes": len(content),
    }

    def outcome_of(of_store=lambda content: content, of_file=lambda file: file, policy=()):
        store.write_bytes(of_store(content))
        edit(report, lambda document: document.update(store={"files": of_file([dict(file)])}))
        # The statement beside the report is about its old bytes; what is shown here is the rule by itself.
        return ask(workspace, gate, "default", more=("--promotion-policy=gates/trading/promotion.yaml", *policy))

    yield outcome_of
    for path, old in before.items():
        path.write_bytes(old)


def test_a_store_that_has_only_grown_is_the_same(bound):
    """Events arrive while the report is made: a store that had to stand still could never be promoted."""
    found = bound(lambda content: content + content.splitlines(keepends=True)[-1])
    assert found["outcome"] == "PASS", found["reason"]


@pytest.mark.parametrize(
    ("of_store", "message"),
    [
        (lambda content: content.replace(b'"running"', b'"stopped"', 1), "are others than were judged"),
        (lambda content: b"".join(content.splitlines(keepends=True)[1:]), "were judged"),
        (lambda content: b"".join(content.splitlines(keepends=True)[:-1]), "were judged"),
    ],
    ids=["a-row-changed", "first-row-gone", "last-row-gone"],
)
def test_a_store_that_was_changed_is_another(bound, of_store, message):
    """A report of ten minutes ago about rows that were rewritten since is about rows that were never judged."""
    found = bound(of_store)
    assert (found["outcome"], message in found["reason"]) == ("FAIL", True), found["reason"]


@pytest.mark.parametrize(
    ("of_file", "message"),
    [
        (lambda files: [], "rests on 0 samples"),
        (lambda files: [files[0] | {"path": "reports/event_store/events_19990101.jsonl"}], "is missing"),
        (lambda files: [files[0] | {"sha256": "0" * 64}], "are others than were judged"),
        (lambda files: [files[0] | {"sha256": None}], "store.files[0].sha256 is null"),
        (lambda files: [files[0] | {"size_bytes": 0}], "store.files[0].size_bytes is 0"),
        (lambda files: None, "store.files is null"),
    ],
    ids=["no-files", "file-gone", "another-digest", "no-digest", "of-no-bytes", "null"],
)
def test_a_report_that_names_its_store_badly_is_bound_to_none(bound, of_file, message):
    """A binding to nothing would be taken for one."""
    found = bound(of_file=of_file)
    assert found["outcome"] in ("FAIL", "INCONCLUSIVE"), found["reason"]
    assert message in found["reason"]


@pytest.mark.parametrize("gate", REPORTS)
def test_a_report_that_names_no_store_is_named_or_refused(ask, healthy, tmp_path, gate):
    """Where a company demands the binding, a report without it must not slip by."""
    workspace = healthy("demo", Sabotage(gate, "", "", lambda content: content, ""), "default")
    found = ask(workspace, gate, "default")
    assert "store" in json.loads((workspace.root / REPORTS[gate]).read_text()) or (
        "does not name the event store" in found["reason"]
    )
