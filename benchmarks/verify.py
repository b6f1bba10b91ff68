"""
What it costs to sign a decision and to ask whether it may be acted on.

    python benchmarks/verify.py [--artifacts 50]

Verifying: the whole process of `promotion verify` with everything that is demanded by default (a signature, the
commit that lies here, a clean tree, the newest of the history) and the rules of the policy, against what a user has
without it, a shell that lets `openssl` look at the signature and `sha256sum` at the evidence, and nothing else.
Signing: the whole process of `pytest gates` with `--promotion-sign` and without, in turn.
Targets: 0.5 seconds to verify a decision on 50 artifacts; 100 milliseconds more to sign it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import more, pytest_command, settled, table

from pytest_promotion.trust import dsse, keys

GATES = '''
import pytest

@pytest.mark.critical
@pytest.mark.parametrize("number", range({count}))
def test_file(artifact, number):
    """It is there."""
    assert artifact(f"evidence/{{number}}.json")["n"] == number
'''
CHECK = "openssl pkeyutl -verify -pubin -inkey k.pub -rawin -in message -sigfile signature && sha256sum -c --quiet sums"


def seconds(command: list[str], folder: Path) -> float:
    """The wall time of a process that has to succeed."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=settled(), capture_output=True, text=True, check=False)
    spent = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return spent


def project(folder: Path, count: int) -> None:
    """Gates that judge *count* files."""
    for name in ("gates", "evidence"):
        (folder / name).mkdir()
    (folder / "gates" / "test_files.py").write_text(GATES.format(count=count))
    (folder / "promotion.yaml").write_text("version: 1\nrequired: [file]\n")
    for number in range(count):
        (folder / "evidence" / f"{number}.json").write_text(json.dumps({"n": number, "text": "x" * 4_000}))
    (folder / ".gitignore").write_text("/reports/\n/k\n/message\n/signature\n/sums\n__pycache__/\n.pytest_cache/\n")
    keys.generate(folder / "k")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *who, *words], cwd=folder, check=True)


def by_hand(folder: Path) -> None:
    """What a shell needs to check the same signature and the same files."""
    reports = folder / "reports" / "promotion_gates"
    envelope = dsse.parse((reports / "latest.intoto.jsonl").read_bytes().split(b"\n")[0], "it")
    (folder / "message").write_bytes(dsse.encoding(envelope.payload_type, envelope.payload))
    (folder / "signature").write_bytes(envelope.signatures[0].sig)
    decision = json.loads((reports / "latest.json").read_bytes())
    rows = [f"{one['sha256']}  {one['path']}" for one in decision["evidence_bundle"]["artifacts"]]
    (folder / "sums").write_text("\n".join(rows) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder, given.artifacts)
        decide = pytest_command("gates")
        signed = [*decide, "--promotion-sign=k"]
        seconds(signed, folder)
        by_hand(folder)
        words = ["verify", "reports/promotion_gates/latest.json", "--key", "k.pub", "--policy", "promotion.yaml"]
        verify = [sys.executable, "-c", "from pytest_promotion.cli import main; main()", *words]
        sides = {"verify": verify, "by hand": ["sh", "-c", CHECK], "signed": signed, "unsigned": decide}
        spent: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(given.rounds):
            for side in ("unsigned", "signed", "verify", "by hand"):
                if side == "verify":
                    seconds(signed, folder)  # the unsigned one took its place
                spent[side].append(seconds(sides[side], folder))
    middle = {side: statistics.median(times) for side, times in spent.items()}
    extra = more(spent["signed"], spent["unsigned"])
    table(
        f"A decision on {given.artifacts} artifacts (wall time of whole processes, median of {given.rounds})",
        ("what", "ours", "instead", "target"),
        [
            (
                "verify",
                f"{middle['verify'] * 1000:.0f} ms",
                f"{middle['by hand'] * 1000:.0f} ms: openssl and sha256sum alone",
                f"< 500 ms: {'met' if middle['verify'] < 0.5 else 'missed'}",
            ),
            (
                "sign as it decides",
                f"{middle['signed'] * 1000:.0f} ms",
                f"{middle['unsigned'] * 1000:.0f} ms unsigned",
                f"< 100 ms more: {extra * 1000:.0f} ms, {'met' if extra < 0.1 else 'missed'}",
            ),
        ],
    )


if __name__ == "__main__":
    main()
