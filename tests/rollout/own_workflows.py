"""
The workflows of this repository that are those of the release suite, about the release that its fixtures make.

`python -m tests.rollout.own_workflows` writes them anew.
"""

from __future__ import annotations

from pathlib import Path

from pytest_promotion.suites.release.pipelines.facts import Facts
from pytest_promotion.suites.release.pipelines.workflows import files

ROOT = Path(__file__).parents[2]
INSTALL = (
    "python -m pip install -r requirements/dev.txt",
    "python -m pip install --no-deps --no-build-isolation -e .",
)
WRITTEN = "From the templates of the release suite: `python -m tests.rollout.own_workflows`."
TIDEBOOK = ".runtime/tidebook"
RELEASE = Facts(
    root=TIDEBOOK,
    gates="gates/release",
    policy="fixtures/release_policy.yaml",
    install=INSTALL,
    tool=INSTALL,
    prepare=(f"python -m fixtures.release {TIDEBOOK}",),
    node="22",
    knowledge="backend/config/kb_benchmark_policy.json",
    written=WRITTEN,
)
DRILL = Facts(root="fixtures/drill", install=INSTALL, tool=INSTALL, deployment="compose.yaml", written=WRITTEN)
DRILLED = ".github/workflows/rollback-drill.yml"


def own() -> dict[str, bytes]:
    """The content of each file by its path."""
    drill = dict(files(DRILL, "github"))
    return {**dict(files(RELEASE, "github")), DRILLED: drill[DRILLED]}


if __name__ == "__main__":
    for name, content in own().items():
        (ROOT / name).write_bytes(content)
