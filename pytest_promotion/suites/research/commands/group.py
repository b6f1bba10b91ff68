"""`promotion candidates`: the commands around one store of candidates."""

from __future__ import annotations

import click

from pytest_promotion.suites.research.commands import candidates as stored
from pytest_promotion.suites.research.commands import evaluate as judged
from pytest_promotion.suites.research.commands import people
from pytest_promotion.suites.research.commands.bundle import bundle


@click.group()
def candidates() -> None:
    """Research candidates, from exploratory to accepted."""


for command in (
    stored.list_candidates,
    bundle,
    stored.create,
    stored.show,
    judged.evaluate,
    people.observe,
    people.approve,
    people.adopt,
    judged.set_status,
    stored.events,
    stored.migrate,
):
    candidates.add_command(command)
