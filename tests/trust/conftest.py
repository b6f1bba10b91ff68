"""One signed decision, really taken, that the tests of this folder ask about."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_promotion.evidence.vault import Vault
from pytest_promotion.trust import keys
from pytest_promotion.trust.verify import Answer, Case, Demands, case_at, verify
from tests.sessions import environment
from tests.trust.firm import Desk, Firm, found_firm

SUBJECT = "candidate.whl=sha256:" + "a1" * 32
POLICY = "version: 1\nrequired: [score, presence]\ngates:\n  score: {severity: critical}\n"
GATES = '''
import pytest

@pytest.mark.critical(owner="ops", fix="score again")
def test_score(artifact, freshness, measure):
    """The score is good enough."""
    report = artifact("evidence/score.json")
    freshness(report)
    measure.at_least("score", report["score"], 0.5)

@pytest.mark.warning(owner="ops", requires=["score"])
def test_presence(artifact, command):
    """The notes are there and a program agrees."""
    assert artifact("evidence/notes.txt").text
    assert command(["true"]).exit_code == 0
'''


@dataclass(frozen=True)
class Signed:
    """A project folder in which a decision was taken and signed."""

    path: Path
    key: keys.PrivateKey

    @property
    def latest(self) -> Path:
        return self.path / "reports" / "promotion_gates" / "latest.json"

    @property
    def case(self) -> Case:
        return case_at(self.latest)

    def document(self) -> dict[str, Any]:
        return json.loads(self.latest.read_bytes())

    def demands(self, **more: Any) -> Demands:
        """Everything that can be demanded of it, and met."""
        given = {"at": datetime.now(UTC), "subject": SUBJECT, "keys": [self.key.public], **more}
        return Demands(**given)

    def verify(self, case: Case | None = None, **more: Any) -> Answer:
        return verify(case or self.case, self.demands(**more))

    def changed(self, **fields: Any) -> Case:
        """The case with some fields of the decision changed, and signed again by whoever did that."""
        from pytest_promotion.trust.signing import signed

        document = self.document() | fields
        content = json.dumps(document, indent=2).encode()
        envelopes = signed(document | {"finished": True, "kind": "decision"}, "latest.json", content, [self.key])
        return replace(self.case, content=content, envelopes=envelopes)


def decide(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`pytest gates` in *path*."""
    command = [sys.executable, "-m", "pytest", "gates", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(
        command, cwd=path, env=environment(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture(scope="session")
def _signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    path = tmp_path_factory.mktemp("signed")
    for name, text in {
        "gates/test_gates.py": GATES,
        "promotion.yaml": POLICY,
        "pytest.ini": "[pytest]\n",
        "evidence/notes.txt": "all is well\n",
        "evidence/score.json": json.dumps({"ts_utc": datetime.now(UTC).isoformat(), "score": 0.9}),
    }.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    private, _ = keys.generate(path / "keys" / "release.key")
    done = decide(path, f"--promotion-sign={private}", f"--promotion-subject={SUBJECT}")
    assert done.returncode == 0, done.stdout + done.stderr
    return Signed(path, keys.read_private(private))


@pytest.fixture
def signed(_signed: Signed, tmp_path: Path) -> Signed:
    """A copy of it that a test may damage."""
    path = tmp_path / "project"
    shutil.copytree(_signed.path, path)
    return Signed(path, _signed.key)


@pytest.fixture
def vault(signed: Signed) -> Vault:
    """Its vault."""
    return signed.case.vault


@pytest.fixture(scope="session")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Firm:
    """People with keys, the same for all tests."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    return found_firm(tmp_path_factory.mktemp("firm"))


@pytest.fixture
def desk(tmp_path: Path, firm: Firm) -> Desk:
    """A project with a gate that drifts."""
    return Desk(tmp_path / "desk", firm)
