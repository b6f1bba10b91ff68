"""
The commands that are fuzzed: a line each, with the document that is a bad one.

A command is run in a folder in which every other file that it reads is good.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.fuzz import seeds

WHEN = "2026-02-22T12:30:00+00:00"
LATER = "2099-02-22T12:30:00+00:00"


@dataclass(frozen=True)
class Command:
    """`words` are its arguments; `file` is what it reads of the bad document, whose good form is `seed`."""

    words: str
    file: str
    form: str
    seed: bytes
    codes: tuple[int, ...] = (0, 2, 3, 4)
    slow: bool = False  # whether one run takes a tenth of a second or more

    def __str__(self) -> str:
        return f"{self.words} ({self.file})"


COMMANDS: tuple[Command, ...] = (
    Command("verify latest.json", "latest.json", "json", seeds.DECISION),
    Command("verify latest.json --json --key key.pub", "latest.json", "json", seeds.DECISION),
    Command("verify latest.json --key key.pub", "latest.intoto.jsonl", "jsonl", seeds.ENVELOPE),
    Command("verify latest.json --key bad.pub", "bad.pub", "pem", b""),
    Command("verify latest.json --signers bad.yaml", "bad.yaml", "yaml", seeds.SIGNERS),
    Command("verify latest.json --override bad.json", "bad.json", "json", seeds.OVERRIDE),
    Command("verify x.zip", "x.zip", "zip", seeds.zip_bundle()),
    Command("verify x.tar.zst", "x.tar.zst", "zst", seeds.zstd_bundle()),
    Command("sign bad.json --key key", "bad.json", "json", seeds.DECISION),
    Command("sign latest.json --key bad.key", "bad.key", "pem", b""),
    Command("bundle export bad.json out.zip", "bad.json", "json", seeds.DECISION),
    Command("merge bad.json --reports merged", "bad.json", "json", seeds.SHARD),
    *(
        Command(f"render bad.json --format {form}", "bad.json", "json", seeds.DECISION)
        for form in ("markdown", "sarif", "ctrf", "github", "annotations")
    ),
    Command("explain bad.json", "bad.json", "json", seeds.DECISION),
    Command("explain bad.json --json --gate late", "bad.json", "json", seeds.DECISION),
    Command("diff bad.json latest.json", "bad.json", "json", seeds.DECISION),
    Command("diff latest.json bad.json --json", "bad.json", "json", seeds.DECISION),
    Command("policy check bad.yaml", "bad.yaml", "yaml", seeds.POLICY),
    Command("policy check bad.yaml --json --profile strict", "bad.yaml", "yaml", seeds.POLICY),
    Command("policy diff bad.yaml promotion.yaml", "bad.yaml", "yaml", seeds.POLICY),
    Command("policy diff promotion.yaml bad.yaml --json", "bad.yaml", "yaml", seeds.POLICY),
    Command("waiver check bad.yaml --policy signed.yaml", "bad.yaml", "yaml", seeds.WAIVERS),
    Command("waiver check waivers.yaml --policy signed.yaml --json", "signers.yaml", "yaml", seeds.SIGNERS),
    Command(
        f"waiver new bad.json late --reason x --owner a --requested-by b --expires {LATER} --file new.yaml",
        "bad.json",
        "json",
        seeds.DECISION,
    ),
    Command(
        f"waiver new latest.json late --reason x --owner a --requested-by b --expires {LATER} --file bad.yaml",
        "bad.yaml",
        "yaml",
        seeds.WAIVERS,
    ),
    Command("waiver sign bad.yaml 1 --key key --as ada", "bad.yaml", "yaml", seeds.WAIVERS),
    Command(
        f"override new bad.json --reason x --incident y --requested-by b --expires {LATER} --folder overrides",
        "bad.json",
        "json",
        seeds.DECISION,
    ),
    Command("override sign bad.json --key key --as ada", "bad.json", "json", seeds.OVERRIDE),
    Command("override post-mortem bad.json --file notes.md --key key --as ada", "bad.json", "json", seeds.OVERRIDE),
    *(
        Command(f"history {words} --reports reports", "reports/promotion_gates/history.jsonl", "jsonl", seeds.HISTORY)
        for words in ("", "verify", "trend", "flaky", "waivers")
    ),
    Command(
        "history verify --reports reports",
        "reports/promotion_gates/promotion_gates_20260222T124736Z.json",
        "json",
        seeds.DECISION,
    ),
    Command("history verify --reports reports --decision bad.json", "bad.json", "json", seeds.DECISION),
    Command(
        "vault gc --reports reports --vault vault --keep-days 1 --keep-last 1",
        "reports/promotion_gates/promotion_gates_20260222T124736Z.json",
        "json",
        seeds.DECISION,
    ),
    Command("finalize --reports reports --docs docs", "reports/soak/latest.json", "json", seeds.CYCLE),
    Command(
        "finalize --reports reports --json", "reports/promotion_gates/strict_cycle_latest.json", "json", seeds.CYCLE
    ),
    Command("health mine --services bad.yaml", "bad.yaml", "yaml", seeds.SERVICES),
    Command("health soak-monitor", "reports/soak/latest.json", "json", seeds.CYCLE),
    Command(
        "health daily-ops-reporter",
        "docs/ops/daily_ops_report_20260222.md",
        "md",
        b"Generated at: `2026-02-22T12:00:00+00:00`\n",
    ),
    Command("secrets scan scanned --allow bad.yaml --report out.json", "bad.yaml", "yaml", seeds.ALLOW, slow=True),
    Command("secrets scan scanned --env bad.env --report out.json", "bad.env", "env", seeds.DOTENV, slow=True),
    Command("secrets scan scanned --report out.json", "scanned/x.zip", "zip", seeds.zip_bundle(), slow=True),
    Command("secrets scan scanned --report out.json", "scanned/x.tar.zst", "zst", seeds.zstd_bundle(), slow=True),
    Command("vault restore --decision bad.json --dry-run", "bad.json", "json", seeds.DECISION),
    Command("event-store count bad.jsonl --json", "bad.jsonl", "jsonl", seeds.EVENTS),
    Command("replay harness --store bad.jsonl --reports out.json", "bad.jsonl", "jsonl", seeds.EVENTS),
    Command("secrets scan scanned --report out.json", "scanned/x.yaml", "yaml", seeds.COMPOSE, slow=True),
    Command(
        "tests run --config bad.yaml --root nothing --report out.json", "bad.yaml", "yaml", seeds.GROUPS, slow=True
    ),
    Command(
        "upgrade-check --target-image shop:2.0 --compose compose.yml --without-engine --reports out",
        "compose.yml",
        "yaml",
        seeds.COMPOSE,
    ),
    Command(
        "upgrade-check --target-image shop:2.0 --compose good.yml --env-file bad.env --without-engine --reports out",
        "bad.env",
        "env",
        seeds.DOTENV,
    ),
    Command(
        "kb benchmark --profile prod --policy bad.json --cases cases.json --corpus corpus",
        "bad.json",
        "json",
        seeds.KB_POLICY,
    ),
    Command(
        "kb benchmark --profile prod --policy kb.json --cases bad.json --corpus corpus",
        "bad.json",
        "json",
        seeds.KB_CASES,
    ),
    Command(
        "kb benchmark --profile prod --policy kb.json --cases cases.json --corpus corpus",
        "corpus/corpus_pack.json",
        "json",
        seeds.KB_PACK,
    ),
    Command(
        "kb monitor --profile prod --policy kb.json --cases cases.json --corpus corpus --history-dir history",
        "history/benchmark_20260222T110000Z.json",
        "json",
        seeds.KB_POINT,
    ),
    Command(
        "kb monitor --profile prod --policy kb.json --cases cases.json --corpus corpus --history-dir history",
        "history/baseline.json",
        "json",
        seeds.KB_POINT,
    ),
    Command(
        "kb review --profile prod --history-dir history --output-dir out",
        "history/monitor_20260222T110000Z.json",
        "json",
        seeds.KB_POINT,
    ),
    Command(
        "kb checkpoint --profile prod --month 2026-02 --history-dir history --review-dir reviews --changes-dir changes --output-dir out",
        "reviews/review_20260222T110000Z.json",
        "json",
        seeds.KB_POINT,
    ),
    Command(
        "kb checkpoint --profile prod --month 2026-10 --history-dir history --review-dir reviews --changes-dir changes --output-dir out",
        "changes/KB-1.yaml",
        "yaml",
        seeds.CHANGE,
    ),
    Command("threshold-change sign bad.yaml --key key --as ada", "bad.yaml", "yaml", seeds.CHANGE),
    Command(
        "threshold-change check --root . --policy bad.json --approved kb.json --records changes",
        "bad.json",
        "json",
        seeds.KB_POLICY,
    ),
    Command(
        "threshold-change check --root . --policy kb.json --approved bad.json --records changes",
        "bad.json",
        "json",
        seeds.KB_POLICY,
    ),
    Command("slo bad.json", "bad.json", "json", seeds.K6_SUMMARY),
    Command("slo bad.json --json", "bad.json", "jsonl", seeds.K6_LINES),
    Command("slo k6.json --targets bad.yaml", "bad.yaml", "yaml", seeds.TARGETS),
    Command("scan-check bad.json", "bad.json", "json", seeds.TRIVY),
    Command("scan-check bad.json --json --most high=3", "bad.json", "json", seeds.SNYK),
    Command("scan-check bad.json --out out.json", "bad.json", "json", seeds.SARIF),
    Command("plan check bad.json --json", "bad.json", "json", seeds.PLAN),
    Command("plan mask bad.json", "bad.json", "json", seeds.PLAN),
    Command("parity root-hash bad.json", "bad.json", "json", seeds.TRACE),
    Command("parity root-hash bad.json", "bad.json", "json", seeds.LEGACY),
    Command("canonical bad.json", "bad.json", "json", seeds.TRIVY),
    Command(
        "parity e2e --base-url http://127.0.0.1:1 --plan bad.json --env prod --reports out",
        "bad.json",
        "json",
        seeds.REQUEST,
    ),
    Command("protection check x/y --policy bad.yaml --api http://127.0.0.1:1", "bad.yaml", "yaml", seeds.BRANCHES),
    Command(
        "deploy --env prod --project-name shop --compose bad.yml --allow-unsigned --dry-run --decision latest.json",
        "bad.yml",
        "yaml",
        seeds.COMPOSE,
    ),
    Command(
        "candidates create --db x.db --from-run r --signal s --horizon 1 --bundle-path bad.json",
        "bad.json",
        "json",
        seeds.BUNDLE,
    ),
    Command("reality-check bad.csv --replicates 100 --no-cache --out out.json", "bad.csv", "csv", seeds.PANEL),
)


def found(folder: Path) -> None:
    """Puts a good file of each kind into *folder*."""
    for name, content in _good().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "key").chmod(0o600)


def _good() -> dict[str, bytes]:
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    cycle = {
        f"reports/{name}/latest.json": seeds.CYCLE for name in ("soak", "reconciliation", "parity", "portfolio_risk")
    }
    return cycle | {
        "key": key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()),
        "key.pub": key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo),
        "latest.json": seeds.DECISION,
        "latest.intoto.jsonl": seeds.ENVELOPE,
        "promotion.yaml": seeds.POLICY,
        "signed.yaml": seeds.POLICY + b"signers: signers.yaml\nwaivers: waivers.yaml\n",
        "signers.yaml": seeds.SIGNERS,
        "waivers.yaml": seeds.WAIVERS,
        "notes.md": b"# What happened\n",
        "reports/event_store/day2_gate_eval_latest.json": seeds.CYCLE,
        "reports/promotion_gates/strict_cycle_latest.json": seeds.CYCLE,
        "reports/promotion_gates/promotion_gates_20260222T124736Z.json": seeds.DECISION,
        "reports/promotion_gates/history.jsonl": seeds.HISTORY,
        "scanned/x.md": b"nothing\n",
        "good.yml": b"services: {web: {image: 'shop:1.0'}}\n",
        "kb.json": seeds.KB_POLICY,
        "cases.json": seeds.KB_CASES,
        "corpus/corpus_pack.json": seeds.KB_PACK,
        "k6.json": seeds.K6_SUMMARY,
        f"vault/sha256/{sha256(b'x').hexdigest()[:2]}/{sha256(b'x').hexdigest()}": b"x",
    }
