"""
The knowledge base of a real system, asked its own cases.

The files are not ours and are not copied: the tests read them where they lie, and are
skipped where they do not. The earlier system's figures were measured on the same files.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_promotion.suites.release.knowledge import benchmark, cases, corpus, index, metrics, policy
from tests.knowledge.conftest import noise

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PROMOTION_REAL_DATA", REPOSITORY.parent / "shared" / "data")) / "knowledge"
NOW = datetime(2026, 5, 20, tzinfo=UTC)
# The earlier system's precision and recall for each of its production cases.
EARLIER_CASES = [(0.6, 0.4, 0.0, 1.0, 0.4, 0.6, 1.0, 0.6, 0.6, 0.6), (1, 1, 0, 1, 1, 1, 1, 1, 1, 1)]

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real knowledge base is not at {DATA}"),
]


def measure(name, profile="prod", folder=DATA, engine="fts5"):
    settings = policy.resolve(
        folder,
        profile,
        policy="kb_benchmark_policy.json",
        cases=f"kb_benchmark_cases.{name}.json",
        corpus="corpus",
    )
    return benchmark.run(settings, NOW, engine)


def pair(report):
    return report["avg_precision_at_k"], report["avg_keyword_recall"]


@pytest.mark.parametrize("engine", index.ENGINES)
def test_its_own_cases_are_answered_better_than_by_itself(engine):
    """0.58 and 0.90 on the production cases were measured by the same definition on the same files."""
    pytest.importorskip("tantivy", reason="the extra kb-large is not installed")
    assert pair(measure("sample", engine=engine)) == (1.0, 1.0)
    precision, recall = pair(measure("prod", engine=engine))
    assert precision > 0.80
    assert recall == 1.0


@pytest.mark.parametrize("half", [slice(0, 10, 2), slice(1, 10, 2)], ids=["even", "odd"])
@pytest.mark.parametrize("floor", [0.0, 0.2, 0.3, 1 / 3, 0.4, 0.5, 0.6])
def test_no_half_and_no_cut_off_does_worse(monkeypatch, half, floor):
    """Whatever is picked on one half of the cases has to hold on the other: any cut-off does, also none."""
    monkeypatch.setattr(index, "FLOORS", dict.fromkeys(index.FLOORS, floor))
    asked, _ = cases.read(DATA / "kb_benchmark_cases.prod.json")
    with index.opened(corpus.read(DATA / "corpus").documents) as library:
        rows = [metrics.compatible(one, library.search(one.query, one.top_k)) for one in asked[half]]
    found = [row | {"content": None, "graded": None} for row in rows]
    averages = benchmark.averages(found)
    earlier = [sum(values[half]) / 5 for values in EARLIER_CASES]
    assert benchmark.rounded(averages["precision"]) >= earlier[0]
    assert benchmark.rounded(averages["recall"]) >= earlier[1]


@pytest.mark.parametrize("count", [300, 3_000, 100_000])
@pytest.mark.parametrize("engine", index.ENGINES)
def test_noise_leaves_it_better_than_it_was_without(tmp_path, engine, count):
    """With 300 other documents the earlier system fell to 0.02 and 0.10: it saw the newest 200 passages."""
    pytest.importorskip("tantivy", reason="the extra kb-large is not installed")
    root = Path(shutil.copytree(DATA, tmp_path / "root"))
    rows = json.loads((root / "corpus" / corpus.PACK).read_text())
    rows += [
        {"source_name": f"noise_{number}.txt", "source_type": "txt", "title": f"Note {number}", "content": text}
        for number, text in enumerate(noise(count))
    ]
    (root / "corpus" / corpus.PACK).write_text(json.dumps(rows))
    report = measure("prod", folder=root, engine=engine)
    assert report["seeded_documents"] == 28 + count
    precision, recall = pair(report)
    assert precision > 0.58
    assert recall > 0.90


GARDEN = "The tulips by the pond bloom in spring, and a gardener waters the roses at dawn."


def test_with_every_body_destroyed_it_fails_by_default(tmp_path):
    """Precision 0.84 and recall 1.0 were the figures of ten documents about gardens."""
    root = Path(shutil.copytree(DATA, tmp_path / "root"))
    whole = measure("prod", folder=root)
    assert (whole["content_recall"], whole["passed"]) == (1.0, True)
    for path in (root / "corpus").glob("*.txt"):
        path.chmod(0o644)
        path.write_text(GARDEN)
    pack = root / "corpus" / corpus.PACK
    pack.chmod(0o644)
    rows = json.loads(pack.read_text())
    pack.write_text(json.dumps([row | {"content": GARDEN} for row in rows]))
    report = measure("prod", folder=root)
    assert pair(report) >= (0.55, 0.8)
    assert (report["failed"], report["content_recall"]) == (["content_recall"], 0.0)


def test_its_policy_is_read_as_it_is():
    """Three profiles, three modes, and a case file that is not there is no other one."""
    found, _ = policy.read(DATA / "kb_benchmark_policy.json")
    assert {name: one.mode for name, one in found.items()} == {"dev": "off", "staging": "optional", "prod": "required"}
    with pytest.raises(policy.PolicyError, match="kb004"):
        policy.resolve(DATA, "prod", policy="kb_benchmark_policy.json", corpus="corpus")
