"""`promotion kb`: measure the knowledge base, watch it, review it."""

from __future__ import annotations

import click

from pytest_promotion.suites.release.commands.kb_exchange import export_group, import_group
from pytest_promotion.suites.release.commands.kb_measure import accept, benchmark, monitor
from pytest_promotion.suites.release.commands.kb_review import checkpoint, review


@click.group()
def kb() -> None:
    """Measure what a knowledge base finds, watch whether that gets worse, and review it."""


for command in (benchmark, monitor, accept, review, checkpoint, import_group, export_group):
    kb.add_command(command)
