"""
The parsers that are fuzzed: a line each.

A parser is given the bytes of one document and a folder of its own. It returns what it read or raises a
`PromotionError`, which a command turns into exit code 2, 3 or 4; nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.fuzz import report_seeds, seeds

NOW = datetime(2026, 2, 22, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Parser:
    """What reads one kind of document. `modules` are those of `pytest_promotion` that read it."""

    name: str
    form: str  # "json", "jsonl", "yaml", or what else `mutation` knows
    seeds: tuple[bytes, ...]
    read: Callable[[bytes, Path], object]
    modules: tuple[str, ...] = ()


def _at(target: str) -> Callable[..., Any]:
    """The function at `module:name`, imported when it is called."""
    module, _, name = target.partition(":")

    def called(*words: Any, **more: Any) -> Any:
        found: Any = import_module(f"pytest_promotion.{module}")
        for part in name.split("."):
            found = getattr(found, part)
        return found(*words, **more)

    return called


def _content(target: str, *more: Any) -> Callable[[bytes, Path], object]:
    """What is called with the bytes, a name and *more*."""
    return lambda content, folder: _whole(_at(target)(content, "the file", *more))


def _file(target: str, name: str, *more: Any) -> Callable[[bytes, Path], object]:
    """What is called with the path of a file and *more*."""

    def read(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return _whole(_at(target)(folder / name, *more))

    return read


def _whole(found: Any) -> object:
    return list(found) if hasattr(found, "__next__") else found


def _rows(target: str) -> Callable[[bytes, Path], object]:
    return lambda content, folder: list(_at(target)(io.BytesIO(content), "the file"))


def _plain(target: str, form: str = "yaml") -> Callable[[bytes, Path], object]:
    """What is called with plain values, which came through our own reader."""

    def read(content: bytes, folder: Path) -> object:
        plain = _at(f"evidence.documents:parse_{form}")(content, "the file")
        return _at(target)(plain)

    return read


def _junit(content: bytes, folder: Path) -> object:
    from pytest_promotion.evidence.documents import decode
    from pytest_promotion.readers import junit

    return junit.read(decode(content, "the file"), "the file")


def _load_test(content: bytes, folder: Path) -> object:
    """What was measured, compared with the usual targets, and the targets that it suggests."""
    from pytest_promotion.readers import k6
    from pytest_promotion.suites.deployment.slo import targets

    measured = k6.read(content, "the file")
    held = targets.judge(measured, targets.USUAL)
    return targets.judgement(measured, held), targets.suggestion(measured)


def _scan(content: bytes, folder: Path) -> object:
    """The scan, judged by the strictest limits."""
    from pytest_promotion.readers import scan_file
    from pytest_promotion.suites.deployment import scan_rules

    return scan_rules.judge([("the file", scan_file.read(content, "the file"))], scan_rules.Limits(), NOW)


def _facts(content: bytes, folder: Path) -> object:
    """What each reader of a report makes of it, with everything that a gate asks of the facts."""
    from pytest_promotion.errors import Unproven
    from pytest_promotion.readers import benchmark, coverage, dbt, metrics, validation

    found = []
    for read in (benchmark.read, coverage.read, dbt.read, metrics.read, validation.read):
        try:
            facts: Any = read(content, "the file")
            found.append([facts.failed, facts.of("test")] if hasattr(facts, "failed") else facts)
            found.append(facts.percent if hasattr(facts, "percent") else facts.created)
        except Unproven:
            continue
    return found


def _plan(content: bytes, folder: Path) -> object:
    from pytest_promotion.readers import terraform
    from pytest_promotion.suites.deployment import plan_masking, plan_rules

    plan_masking.masked(content, "the file")
    return plan_rules.judge(terraform.read(content, "the file"), plan_rules.Rules(), NOW)


def _compose(content: bytes, folder: Path) -> object:
    """The project that a compose file is, with what is wrong in it."""
    from pytest_promotion.readers.compose import project, references

    (folder / "compose.yml").write_bytes(content)
    found = project.load([folder / "compose.yml"], {"A": "1"})
    return found.findings, references.check(found)


def _configuration(content: bytes, folder: Path) -> object:
    """What a resolved configuration is compared by, and the variables in it that have no value."""
    from pytest_promotion.readers.compose import configuration
    from pytest_promotion.readers.compose.document import parse

    data = parse(content, "the file").data
    if not isinstance(data, dict):
        return None  # which the caller refuses
    form = configuration.canonical_form(data, "shop", [(folder, folder / "kept")])
    keys = configuration.key_digests(form)
    return configuration.digest(form), configuration.differing(keys, keys), configuration.without_value(data, {})


def _policy(content: bytes, folder: Path) -> object:
    from pytest_promotion import policy

    (folder / "promotion.yaml").write_bytes(content)
    found = policy.load(folder / "promotion.yaml", "strict")
    return found.resolved_sha256, policy.profiles(folder / "promotion.yaml"), policy.unpacked(policy.packed(found))


def _decision(content: bytes, folder: Path) -> object:
    """The decision, verified and explained."""
    from pytest_promotion.evidence.vault import Vault
    from pytest_promotion.explain import difference, explanation
    from pytest_promotion.trust import stored, verify

    case = verify.Case("the file", content, None, Vault(folder / "evidence"))
    answer = verify.verify(case, verify.Demands(at=NOW))
    assert not answer.yes, "nothing of what it names is in the vault"
    decision = stored.parse(content, "the file")
    verify.damages(case, decision)
    difference.differences(stored.parse(seeds.DECISION, "another"), decision)
    return list(explanation.lines(explanation.explain(decision, NOW)))


def _archive(suffix: str) -> Callable[[bytes, Path], object]:
    def read(content: bytes, folder: Path) -> object:
        from pytest_promotion.trust.bundles import opened

        (folder / f"x{suffix}").write_bytes(content)
        with opened(folder / f"x{suffix}") as case:
            return case.content

    return read


def _history(content: bytes, folder: Path) -> object:
    from pytest_promotion.history.check import check

    (folder / "history.jsonl").write_bytes(content)
    return check(folder)


def _golden(content: bytes, folder: Path) -> object:
    from pytest_promotion.suites.trading.replay import golden

    (folder / "golden.json").write_bytes(content)
    return [golden.hold(one, {"fills": 3}) for one in golden.read_golden(folder / "golden.json")]


def _readiness(content: bytes, folder: Path) -> object:
    from pytest_promotion.suites.trading import readiness

    for path in readiness.INPUTS.values():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    found = readiness.finalize(folder, NOW, timedelta(days=1))
    assert found.status == "HOLD", "no document is of all kinds at once"
    found.markdown()
    return found.document()


def _dated(suffix: str, field: str = "") -> Callable[[bytes, Path], object]:
    return lambda content, folder: _at("suites.trading.health.content:dated")(
        f"the file{suffix}", io.BytesIO(content), len(content), field
    )


def _signature(content: bytes, folder: Path) -> object:
    from pytest_promotion.suites.trading.replay.signature import canonical_line

    return canonical_line(content)


def _incidents(content: bytes, folder: Path) -> object:
    """The incidents that are open after another look."""
    from pytest_promotion.suites.deployment.monitor import incidents

    (folder / "open.json").write_bytes(content)
    one = incidents.Incident("parity", "shop prod", "high", ("oncall",), "x", ("y",))
    return incidents.tell([one], ["parity"], "shop prod", incidents.Channels(), folder / "open.json", NOW, 60)


def _prometheus(content: bytes, folder: Path) -> object:
    """The samples in what a Prometheus server answers."""
    from pytest_promotion.http_client import Answer
    from pytest_promotion.suites.deployment.monitor import prometheus

    class Peer:
        def ask(self, *words: object, **more: object) -> Answer:
            return Answer(200, content)

    return prometheus.Prometheus(Peer(), 1.0).samples("up", 60)  # type: ignore[arg-type]


def _journal(content: bytes, folder: Path) -> object:
    from pytest_promotion.suites.release.rollout import journal

    journal.path_of(folder, "shop").write_bytes(content)
    return journal.read(folder, "shop")


def _knowledge(kind: str) -> Callable[[bytes, Path], object]:
    """A report of the benchmark in the history of a profile, or its baseline."""

    def read(content: bytes, folder: Path) -> object:
        from pytest_promotion.suites.release.knowledge import baseline, history

        name = "benchmark_20260222T110000Z.json" if kind == "history" else baseline.NAME
        (folder / name).write_bytes(content)
        if kind == "history":
            return history.points(folder, "prod", NOW)
        return baseline.read(folder, "prod", [], 3)

    return read


def _compared(content: bytes, folder: Path) -> object:
    """A report of the benchmark, averaged over its cases and over one of its documents."""
    from pytest_promotion.suites.release.knowledge import comparison, history

    (folder / "benchmark_20260222T110000Z.json").write_bytes(content)
    points, left_out = history.points(folder, "prod", NOW)
    for one in points:
        comparison.restricted(one, comparison.cases(one), {"a"})
        comparison.restricted(one, comparison.cases(one))
    return left_out


def _beir(name: str) -> Callable[[bytes, Path], object]:
    """A BEIR collection, one of whose files is the document."""

    def read(content: bytes, folder: Path) -> object:
        (folder / "qrels").mkdir(exist_ok=True)
        for other, good in {"corpus.jsonl": seeds.BEIR_CORPUS, "queries.jsonl": seeds.BEIR_QUERIES}.items():
            (folder / other).write_bytes(good)
        (folder / "qrels/test.tsv").write_bytes(b"query-id\tcorpus-id\tscore\nq\ta\t1\n")
        (folder / name).write_bytes(content)
        return _at("suites.release.knowledge.exchange.importing:beir")(folder, "test")

    return read


def _corpus(name: str) -> Callable[[bytes, Path], object]:
    def read(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return _at("suites.release.knowledge.corpus:read")(folder).sha256

    return read


def _changes(name: str) -> Callable[[bytes, Path], object]:
    def read(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return _at("suites.release.knowledge.changes:read")(folder, "prod", date(2026, 1, 1), date(2027, 1, 1))

    return read


def _thresholds(content: bytes, folder: Path) -> object:
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.suites.release import thresholds

    found = thresholds.checked(parse_json(content, "the file"), "the file")
    old = thresholds.checked(parse_json(seeds.KB_POLICY, "x"), "x")
    return thresholds.sha256(found), [(str(one), one.loosens) for one in thresholds.differences(old, found)]


def _reviews(content: bytes, folder: Path) -> object:
    from pytest_promotion.evidence.documents import an_object, parse_json
    from pytest_promotion.suites.deployment.schema_change import reviews

    return reviews.read(an_object(parse_json(content, "the file"), "the file"), "the file")


def _compared(content: bytes, folder: Path) -> object:
    """A trace, and what is different in it and in the one that it was made of."""
    from pytest_promotion.suites.deployment.determinism import comparison

    return comparison.compare(content, seeds.TRACE, "run-1")


def _e2e(content: bytes, folder: Path) -> object:
    from pytest_promotion.suites.deployment.monitor import parity

    (folder / "e2e.json").write_bytes(content)
    return parity.from_file(folder / "e2e.json", "prod", None, NOW, 3600.0)


def _store(content: bytes, folder: Path) -> object:
    from pytest_promotion.evidence.event_store import scan, tail

    (folder / "events.jsonl").write_bytes(content)
    tail.tail(folder / "events.jsonl")
    return scan.scan(folder / "events.jsonl")


def _case(content: bytes, folder: Path) -> object:
    """The evidence of a research candidate as the store has it."""
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.suites.research.evidence import read_case

    return read_case(parse_json(content, "the file"), folder)


PARSERS: tuple[Parser, ...] = (
    Parser("json", "json", (seeds.TRIVY,), _content("evidence.documents:parse_json")),
    Parser("yaml", "yaml", (seeds.POLICY,), _content("evidence.documents:parse_yaml")),
    Parser("json lines", "jsonl", (seeds.K6_LINES,), _rows("evidence.documents:json_rows")),
    Parser("csv", "csv", (seeds.PANEL,), _rows("evidence.documents:csv_rows")),
    Parser("event store", "jsonl", (seeds.EVENTS,), _store),
    Parser("trivy", "json", (seeds.TRIVY,), _scan, ("readers.scan_file", "readers.trivy", "readers.findings")),
    Parser("snyk", "json", (seeds.SNYK,), _scan, ("readers.snyk",)),
    Parser("sarif", "json", (seeds.SARIF,), _scan, ("readers.sarif", "readers.sarif_rules", "readers.sarif_tools")),
    Parser(
        "scanners",
        "json",
        report_seeds.SCANS,
        _scan,
        tuple(
            f"readers.{name}"
            for name in "grype osv semgrep checkov kics gitleaks cyclonedx trivy_operator encodings".split()
        ),
    ),
    Parser(
        "reports",
        "json",
        report_seeds.REPORTS,
        _facts,
        tuple(f"readers.{name}" for name in "benchmark coverage dbt metrics validation checks".split()),
    ),
    Parser("cobertura", "xml", (report_seeds.COBERTURA,), _facts, ("readers.xml_files",)),
    Parser("k6 summaries", "json", (seeds.K6_LEGACY, seeds.K6_SUMMARY, seeds.K6_MACHINE), _load_test, ("readers.k6",)),
    Parser("k6 lines", "jsonl", (seeds.K6_LINES,), _load_test, ("readers.load_test",)),
    Parser("junit", "xml", (seeds.JUNIT,), _junit, ("readers.junit",)),
    Parser("terraform", "json", (seeds.PLAN,), _plan, ("readers.terraform",)),
    Parser(
        "compose",
        "yaml",
        (seeds.COMPOSE,),
        _compose,
        tuple(
            f"readers.compose.{name}"
            for name in "document project specification references interpolation short_syntax images findings".split()
        ),
    ),
    Parser("compose configuration", "yaml", (seeds.COMPOSE,), _configuration, ("readers.compose.configuration",)),
    Parser(
        "compose variables",
        "env",
        (seeds.DOTENV,),
        _file("readers.compose.variables:read", ".env", {}),
        ("readers.compose.variables",),
    ),
    Parser("policy", "yaml", (seeds.POLICY,), _policy),
    Parser("waivers", "yaml", (seeds.WAIVERS,), _content("trust.waivers:read")),
    Parser("signers", "yaml", (seeds.SIGNERS,), _content("trust.signers:read")),
    Parser("override", "json", (seeds.OVERRIDE,), _content("trust.overrides:parse")),
    Parser("secrets allow-list", "yaml", (seeds.ALLOW,), _file("secrets.allowlist:read", "allow.yaml")),
    Parser("secrets env file", "env", (seeds.DOTENV,), _file("secrets.dotenv:read", ".env")),
    Parser("shard", "json", (seeds.SHARD,), _content("decision.shards:parse")),
    Parser("decision", "json", (seeds.DECISION,), _decision),
    Parser("envelope", "json", (seeds.ENVELOPE,), _content("trust.dsse:parse")),
    Parser("envelopes", "jsonl", (seeds.ENVELOPE,), _content("trust.signing:mentions", seeds.DECISION)),
    Parser("history", "jsonl", (seeds.HISTORY,), _history),
    Parser("zip bundle", "zip", (seeds.zip_bundle(),), _archive(".zip")),
    Parser("zstd bundle", "zst", (seeds.zstd_bundle(),), _archive(".tar.zst")),
    Parser("target tests", "yaml", (seeds.GROUPS,), _file("suites.trading.target_tests.groups:read", "tests.yaml")),
    Parser("golden metrics", "json", (seeds.GOLDEN,), _golden),
    Parser("services", "yaml", (seeds.SERVICES,), _plain("suites.trading.health.services:known")),
    Parser("dated json", "json", (b'{"ts_utc": "2026-02-22T11:00:00+00:00"}',), _dated(".json")),
    Parser("dated lines", "jsonl", (seeds.EVENTS,), _dated(".jsonl")),
    Parser("dated csv", "csv", (seeds.DATED_CSV,), _dated(".csv")),
    Parser("dated markdown", "md", (b"# x\n\nGenerated at: `2026-02-24T03:59:36+00:00`\n",), _dated(".md")),
    Parser("readiness", "json", (seeds.CYCLE,), _readiness),
    Parser(
        "verified decision", "json", (seeds.DECISION,), _file("suites.trading.decisions:verified", "latest.json", NOW)
    ),
    Parser("replayed event", "json", (seeds.EVENTS.splitlines()[0],), _signature),
    Parser("threshold change", "yaml", (seeds.CHANGE,), _content("suites.release.change_record:read")),
    Parser("counted changes", "yaml", (seeds.CHANGE,), _changes("KB-1.yaml")),
    Parser(
        "changes in json",
        "json",
        (b'{"id": "x1", "date": "2026-02-01", "scope": "all", "decision": {"result": "x"}}',),
        _changes("KB-1.json"),
    ),
    Parser("thresholds", "json", (seeds.KB_POLICY,), _thresholds),
    Parser("kb policy", "json", (seeds.KB_POLICY,), _file("suites.release.knowledge.policy:read", "policy.json")),
    Parser("kb cases", "json", (seeds.KB_CASES,), _file("suites.release.knowledge.cases:read", "cases.json")),
    Parser("kb history", "json", (seeds.KB_POINT,), _knowledge("history")),
    Parser("kb baseline", "json", (seeds.KB_POINT,), _knowledge("baseline")),
    Parser("kb comparison", "json", (seeds.KB_POINT,), _compared),
    Parser("kb beir corpus", "jsonl", (seeds.BEIR_CORPUS,), _beir("corpus.jsonl")),
    Parser("kb beir queries", "jsonl", (seeds.BEIR_QUERIES,), _beir("queries.jsonl")),
    Parser("kb pack", "json", (seeds.KB_PACK,), _corpus("corpus_pack.json")),
    Parser("kb document", "json", (seeds.KB_PACK,), _corpus("x.json")),
    Parser("release env file", "env", (seeds.DOTENV,), _content("suites.release.environment:parse")),
    Parser("deploy journal", "json", (seeds.JOURNAL,), _journal),
    Parser("canonical", "json", (seeds.TRIVY,), _content("suites.deployment.determinism.documents:canonical_bytes")),
    Parser("trace", "json", (seeds.TRACE, seeds.LEGACY), _compared),
    Parser("e2e request", "json", (seeds.REQUEST,), _content("suites.deployment.determinism.e2e:request_of")),
    Parser("e2e report", "json", (seeds.E2E,), _e2e),
    Parser("slo targets", "yaml", (seeds.TARGETS,), _file("suites.deployment.slo.targets:load", "slo.yaml")),
    Parser("slo report", "json", (seeds.SLO,), _file("suites.deployment.monitor.slo:suggested", "slo.json")),
    Parser("scan limits", "yaml", (b"most: {critical: 0, high: 1}\n",), _plain("suites.deployment.scan_rules:limits")),
    Parser(
        "plan rules",
        "yaml",
        (b"{protected: [a.b], most_lost: 1, drift: refuse, max_age: 24h}\n",),
        _plain("suites.deployment.plan_rules:rules"),
    ),
    Parser("protection", "yaml", (seeds.BRANCHES,), _file("suites.deployment.protection.wanted:load", "p.yaml")),
    Parser("reviews", "json", (seeds.REVIEWS,), _reviews),
    Parser("schema approvals", "yaml", (seeds.APPROVALS,), _content("suites.deployment.schema_change.signed:read")),
    Parser("incidents", "json", (seeds.INCIDENTS,), _incidents),
    Parser("prometheus", "json", (seeds.PROMETHEUS,), _prometheus),
    Parser("research bundle", "json", (seeds.BUNDLE,), _content("suites.research.bundle:ValidationBundle.read")),
    Parser("research evidence", "json", (seeds.CASE,), _case),
    Parser("panel", "csv", (seeds.PANEL,), _content("suites.research.panel:Panel.read")),
    Parser("reality config", "yaml", (seeds.REALITY,), _plain("suites.research.reality:Config.read")),
)
