"""`promotion schema`: the JSON Schemas that are shipped."""

from __future__ import annotations

from importlib import resources

import click


@click.command(epilog="Example: promotion schema decision > decision.schema.json")
@click.argument("name", type=click.Choice(["policy", "decision"]), default="policy")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which it always does.")
def schema(name: str, as_json: bool) -> int:  # noqa: ARG001 - every command takes --json
    """Print the JSON Schema of promotion.yaml (policy) or of a decision file."""
    folder = resources.files("pytest_promotion") / "schemas"
    click.echo((folder / f"{name}.schema.json").read_text(encoding="utf-8"), nl=False)
    return 0
