"""Release governance: environment, tree, tag, knowledge base, deployment and rollback."""

from __future__ import annotations

from typing import Final

from pytest_promotion.suites.api import GatesOption, Suite, bundled
from pytest_promotion.suites.release.of_project import ABSENCES, SETTINGS
from pytest_promotion.version import VERSION

_KB: Final = "gates.kb_benchmark"
_COMMANDS: Final = "pytest_promotion.suites.release.commands"

suite: Final = Suite(
    name="release",
    version=VERSION,
    summary="Release governance: knowledge base, thresholds, deployment and rollback.",
    gates="pytest_promotion.suites.release.gates",
    policy=bundled(__file__, "release") / "promotion.yaml",
    commands={
        "kb": f"{_COMMANDS}.kb:kb",
        "threshold-change": f"{_COMMANDS}.threshold_change:threshold_change",
        "deploy": f"{_COMMANDS}.deploy:deploy",
        "drill": f"{_COMMANDS}.drill:drill",
    },
    ignored=("/.runtime/",),
    adopts="pytest_promotion.suites.release.adoption.adopt:adopt",
    of_project=SETTINGS,
    absences=ABSENCES,
    ci=dict.fromkeys(("github", "gitlab", "jenkins"), "pytest_promotion.suites.release.pipelines.workflows:workflows"),
    plugin="pytest_promotion.suites.release.session_report",
    options=(
        GatesOption(
            flag="--allow-dirty-git",
            sets=("gates.git_clean.thresholds.allow_dirty_git=true",),
            help="Accept a tree that differs from its commit; the decision lists that as weakened.",
        ),
        GatesOption(
            flag="--skip-docker",
            sets=("gates.compose_config.thresholds.skip_docker=true",),
            excludes="--docker-build",
            help="Leave Compose out: not applicable and listed as weakened; in prod NOT_RUN, and the decision FAIL.",
        ),
        GatesOption(
            flag="--docker-build",
            sets=("gates.image_build.thresholds.require_image_build=true",),
            help="Build the images as well.",
        ),
        GatesOption(
            flag="--kb-benchmark-mode",
            choices={
                "auto": (),
                "off": (f"{_KB}.thresholds.skip_kb_benchmark=true",),
                "optional": (f"{_KB}.thresholds.require_kb_benchmark=true", f"{_KB}.severity=warning"),
                "required": (f"{_KB}.thresholds.require_kb_benchmark=true", f"{_KB}.severity=critical"),
            },
            help="Whether the knowledge-base benchmark counts; auto: as the profile says.",
        ),
        GatesOption(
            flag="--kb-policy",
            metavar="FILE",
            sets=("gates.threshold_change_governance.thresholds.policy={value}", f"{_KB}.thresholds.policy={{value}}"),
            help="Policy file of the knowledge-base benchmark.",
        ),
        GatesOption(
            flag="--kb-cases",
            metavar="FILE",
            sets=(f"{_KB}.thresholds.cases={{value}}",),
            help="File with the cases of the knowledge-base benchmark.",
        ),
        GatesOption(
            flag="--kb-min-precision",
            share=True,
            sets=(f"{_KB}.thresholds.min_precision={{value}}",),
            help="Least average precision that the benchmark has to reach, from 0 to 1.",
        ),
        GatesOption(
            flag="--kb-min-recall",
            share=True,
            sets=(f"{_KB}.thresholds.min_recall={{value}}",),
            help="Least average recall that the benchmark has to reach, from 0 to 1.",
        ),
    ),
)
