"""A firm with people who may sign, and what they accept of a gate that fails."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from pytest_promotion import policy as policies
from pytest_promotion.cli import main
from pytest_promotion.decision.fingerprint import failure_of
from pytest_promotion.model import (
    Freshness,
    Gate,
    GateResult,
    Granted,
    Measurement,
    Outcome,
    Record,
    Severity,
    Subject,
)
from pytest_promotion.trust import keys
from pytest_promotion.trust.approvals import Approval, Matter, approve
from pytest_promotion.trust.waivers import Entry, granted, matter_of
from tests.sessions import environment

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIGEST = "a1" * 32
SUBJECT = Subject("candidate.whl", {"sha256": DIGEST})
# Who there is: ssh says that the key is one of OpenSSH.
PEOPLE = {
    "ana": (["backend", "qa"], "ssh"),
    "ben": (["qa"], "ssh"),
    "cleo": (["backend"], "pem"),
    "pat": (["product-owner"], "pem"),
    "dora": (["backend"], "pem"),
    "eve": ([], "ssh"),  # has a key, and stands in no file
}
RULES = """
version: 1
required: [drift, other]
waivers: waivers.yaml
signers: signers.yaml
exceptions:
  waiver:
    critical: {max: 14d, approvals: {backend: 1, qa: 1, product-owner: 1}}
    warning: {max: 30d, approvals: {any: 1}}
  override: {max: 24h, approvals: {any: 2}, post_mortem_within: 3d}
"""
GATES = '''
import pytest

@pytest.mark.critical(owner="ops", fix="calm the market")
def test_drift(artifact, freshness, measure):
    """The drift is small."""
    report = artifact("evidence/report.json")
    freshness(report)
    measure.at_most("drift", report["drift"], 30)

@pytest.mark.critical(owner="ops", fix="write a report", requires=["drift"])
def test_other(artifact):
    """There is a report."""
    assert artifact("evidence/report.json")["drift"] >= 0
'''


@dataclass(frozen=True)
class Firm:
    """A folder with the keys of everybody, and the signers file."""

    path: Path

    def key(self, name: str) -> dict[str, Path | None]:
        """With which key somebody signs, as `approve` takes it."""
        ssh = PEOPLE[name][1] == "ssh"
        return {"key": None if ssh else self.path / name, "ssh_key": self.path / name if ssh else None}

    def public(self, name: str) -> str:
        return (self.path / f"{name}.pub").read_text().strip()

    def flags(self, name: str) -> list[str]:
        """The same for the command line."""
        return [f"--{'ssh-key' if PEOPLE[name][1] == 'ssh' else 'key'}={self.path / name}", f"--as={name}"]

    def approve(self, matter: Matter, *names: str) -> list[Approval]:
        return [approve(matter, name, **self.key(name)) for name in names]

    def signers(self, **changed: Any) -> str:
        """The signers file; each keyword changes one person, or leaves him out."""
        people = []
        for name, (roles, _) in PEOPLE.items():
            change = changed.get(name, {})
            if name != "eve" and change is not None:
                people.append({"name": name, "roles": roles, "key": self.public(name)} | change)
        return json.dumps({"version": 1, "signers": people}, indent=1)

    def policy(self, waivers: str, signers: str | None = None, rules: str = RULES) -> policies.Policy:
        """The policy with the two files beside it, as texts."""
        files = {"promotion.yaml": rules, "waivers.yaml": waivers, "signers.yaml": signers or self.signers()}
        return policies.load(Path("promotion.yaml"), None, (), lambda path: files[path.as_posix()].encode())

    def granted(self, waivers: str, now: datetime = NOW, subject: Subject | None = SUBJECT, **files: str) -> Granted:
        return granted(self.policy(waivers, **files), subject, now)

    def entry(self, result: GateResult, *names: str, **changed: Any) -> Entry:
        """A waiver of what went wrong in *result*, approved by the people named."""
        failure = failure_of(result)
        given = {
            "gate": result.gate.id,
            "severity": result.gate.severity,
            "subjects": [f"sha256:{DIGEST}"],
            "fingerprint": failure.fingerprint if failure else "0" * 64,
            "limits": failure.limits if failure else {},
            "reason": "a venue is down",
            "owner": "trading",
            "requested_by": "dora",
            "created": NOW.isoformat(),
            "expires": (NOW + timedelta(days=3)).isoformat(),
            **changed,
        }
        bare = Entry(**given)
        return Entry(**(given | {"approvals": self.approve(matter_of(bare), *names)}))


def found_firm(path: Path) -> Firm:
    """A firm with new keys in *path*."""
    for name, (_, kind) in PEOPLE.items():
        if kind == "ssh":
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@firm", "-f", str(path / name)]
            subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
        else:
            keys.generate(path / name)
    return Firm(path)


def written(*entries: Any) -> str:
    """The waivers file, one entry a line: JSON is YAML. Entry number n stands in line n + 2."""
    import msgspec

    lines = [entry if isinstance(entry, str) else json.dumps(msgspec.to_builtins(entry)) for entry in entries]
    return "version: 1\nwaivers:\n" + "".join(f"  - {line}\n" for line in lines)


def drifted(
    value: Any = 31, *, gate: str = "drift", outcome: Outcome = Outcome.FAIL, severity: Severity = Severity.CRITICAL
) -> GateResult:
    """A gate whose drift is over its limit, as it reports that."""
    measured = Measurement("drift", value, "<=", 30, False)
    return GateResult(
        Gate(gate, severity), outcome, f"drift is {value!r}, expected <= 30", record=Record(measurements=(measured,))
    )


def stale(age_s: float, reason: str = "") -> GateResult:
    """A gate whose report is too old."""
    item = Freshness("r.json", (NOW - timedelta(seconds=age_s)).isoformat(), "ts_utc", age_s, 1200.0)
    said = reason or f"r.json is {age_s / 60:.0f} min old by its ts_utc, the window is 20 min"
    return GateResult(Gate("drift", Severity.CRITICAL), Outcome.FAIL, said, record=Record(freshness=(item,)))


def command(path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """`promotion` with *words* in the folder *path*, in this process, and how it ended."""
    with contextlib.chdir(path):
        done = CliRunner().invoke(main, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


class Desk:
    """A project folder in which decisions are taken and accepted."""

    def __init__(self, path: Path, firm: Firm, *, new: bool = True) -> None:
        self.path, self.firm = path, firm
        if not new:
            return
        for name, text in {
            "gates/test_gates.py": GATES,
            "promotion.yaml": RULES,
            "signers.yaml": firm.signers(),
            "waivers.yaml": "version: 1\nwaivers:\n",
            "pytest.ini": "[pytest]\n",
        }.items():
            self.file(name, text)
        self.report(31.5)

    def copy(self, path: Path) -> Desk:
        """A copy that a test may damage."""
        shutil.copytree(self.path, path)
        return Desk(path, self.firm, new=False)

    @property
    def latest(self) -> Path:
        return self.path / "reports" / "promotion_gates" / "latest.json"

    def file(self, name: str, text: str) -> Path:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)
        return self.path / name

    def report(self, drift: float, ago: timedelta = timedelta()) -> None:
        """What the gate reads."""
        moment = (datetime.now(UTC) - ago).isoformat()
        self.file("evidence/report.json", json.dumps({"ts_utc": moment, "drift": drift}))

    def decide(self, *words: str, subject: str = f"candidate.whl=sha256:{DIGEST}") -> dict[str, Any]:
        """The decision of `pytest gates`, with its exit code and what it said."""
        command = [sys.executable, "-m", "pytest", "gates", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--promotion-subject={subject}", *words],
            cwd=self.path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
        return json.loads(self.latest.read_bytes()) | {"code": done.returncode, "said": done.stdout + done.stderr}

    def promotion(self, *words: object) -> subprocess.CompletedProcess[str]:
        """The command."""
        return command(self.path, *words)

    def waive(self, *names: str, gate: str = "drift", **options: str) -> None:
        """Accepts what the latest decision says is wrong with a gate."""
        given = {"reason": "a venue is down", "owner": "trading", "requested_by": "dora", "expires": later(days=3)}
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in (given | options).items()]
        done = self.promotion("waiver", "new", str(self.latest), gate, *flags)
        assert done.returncode == 0, done.stderr
        for name in names:
            done = self.promotion("waiver", "sign", "waivers.yaml", gate, *self.firm.flags(name))
            assert done.returncode == 0, done.stderr


def later(**span: float) -> str:
    """That long from now."""
    return (datetime.now(UTC) + timedelta(**span)).isoformat()
