"""
The `promotion` command: one file a command or group, each of which parses, calls, prints and exits.

Exit codes: 0 yes, 2 no, 3 could not judge or do it, 4 wrong usage.
"""

from __future__ import annotations

from typing import Final

import click

from pytest_promotion.cli.groups import MainGroup, Section

_SECTIONS: Final[list[Section]] = [
    (
        "Start",
        {
            "init": ("pytest_promotion.cli.init:init", "Add gates to a project."),
            "list-gates": ("pytest_promotion.cli.list_gates:list_gates", "List the gates, and where each is required."),
            "gates": ("pytest_promotion.cli.gates:gates", "Run the gates and decide."),
            "run": ("pytest_promotion.cli.run:run", "Run a producer of evidence and record what it read."),
            "plan-samples": ("pytest_promotion.cli.plan_samples:plan_samples", "How many samples does a gate need?"),
        },
    ),
    (
        "Understand",
        {
            "explain": ("pytest_promotion.cli.explain:explain", "Say why a decision is what it is."),
            "diff": ("pytest_promotion.cli.explain:diff", "Compare two decisions."),
            "history": ("pytest_promotion.cli.history:history", "List and check past decisions."),
            "status": ("pytest_promotion.cli.status:status", "Show the stages, and what blocks the next step."),
            "render": ("pytest_promotion.cli.render:render", "Write a decision in another format."),
            "policy": ("pytest_promotion.cli.policy:policy", "Check a policy, or compare two."),
            "schema": ("pytest_promotion.cli.schema:schema", "Print a JSON Schema."),
            "conformance": ("pytest_promotion.cli.conformance:conformance", "Try what must not pass, here."),
        },
    ),
    (
        "Trust",
        {
            "verify": ("pytest_promotion.cli.verify:verify", "Is this decision valid for acting on, now?"),
            "keygen": ("pytest_promotion.cli.keys:keygen", "Create a key pair."),
            "sign": ("pytest_promotion.cli.sign:sign", "Sign a decision."),
            "bundle": ("pytest_promotion.cli.bundle:bundle", "Pack a decision with its evidence."),
            "vault": ("pytest_promotion.cli.vault:vault", "Check and prune kept evidence."),
            "merge": ("pytest_promotion.cli.merge:merge", "Merge the shards of one run into a decision."),
            "waiver": ("pytest_promotion.cli.waiver:waiver", "Accept the failure of a gate for a while."),
            "approve": ("pytest_promotion.cli.approve:approve", "Approve that a candidate may enter a stage."),
            "override": ("pytest_promotion.cli.override:override", "Override a refusal in an emergency."),
        },
    ),
]


@click.group(cls=MainGroup, sections=_SECTIONS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-promotion", prog_name="promotion")
def main() -> None:
    """Decide promotions: gates are tests, one session becomes one decision."""
