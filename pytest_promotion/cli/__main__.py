"""`python -m pytest_promotion.cli`: the command, for policies that name their interpreter."""

from pytest_promotion.cli import main

main(prog_name="promotion")
