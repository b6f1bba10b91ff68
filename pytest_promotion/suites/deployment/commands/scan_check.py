"""`promotion scan-check`: may what the scanners found be promoted?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.text import clean

if TYPE_CHECKING:
    from pytest_promotion.readers.findings import Scan


@click.command(
    "scan-check", epilog="Example: promotion scan-check trivy.json --image sha256:… --most high=3 --max-age 12h"
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--image", metavar="sha256:HEX", help="The image that has to have been scanned.")
@click.option("--most", multiple=True, metavar="SEVERITY=N", help="Accepted findings. [critical, high, unknown: 0]")
@click.option(
    "--grace", multiple=True, metavar="SEVERITY=SPAN", help="How long a finding may be known before it counts."
)
@click.option(
    "--require",
    multiple=True,
    type=click.Choice(["vulnerabilities", "secrets", "licences", "misconfigurations", "code", "nothing"]),
    help="What the scans have to have looked for. [vulnerabilities; of code alone, code]",
)
@click.option("--only-fixable", is_flag=True, help="Count only what somebody has fixed already.")
@click.option(
    "--max-age",
    default="24h",
    show_default=True,
    metavar="SPAN",
    help="Greatest age of a scan, such as 24h; an older one is refused.",
)
@click.option("--scanned-at", metavar="ISO-8601", help="When, for reports that do not say; it is written into ours.")
@click.option("--accept-end-of-life", is_flag=True, help="Accept a system that gets no advisories any more.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here too.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def scan_check(files: tuple[Path, ...], out: Path | None, as_json: bool, **given: Any) -> int:
    """
    Hold reports of scanners, in their own formats or in SARIF, against limits.

    Exit code 0 there is no more than is accepted, 2 there is more, 3 nobody can tell: nothing was scanned, or not for
    what is required, the scan is old, undated, of another image, not complete, or of a format that is not read.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.json_files import write_json
    from pytest_promotion.readers.scan_file import read
    from pytest_promotion.suites.deployment.scan_rules import USUAL, document, judge, limits

    rules = {
        "most": USUAL | _pairs("--most", given["most"], int),
        "grace": _pairs("--grace", given["grace"], str),
        "only_fixable": given["only_fixable"],
        "max_age": given["max_age"],
        "image": given["image"],
        "end_of_life": given["accept_end_of_life"],
    }
    now = Clock().now()
    with command_errors():
        scans = [(str(path), read(read_file(path), str(path)).dated(given["scanned_at"])) for path in files]
        accepted = limits(rules | {"require": _required(given["require"], given["image"], [scan for _, scan in scans])})
        judgement = judge(scans, accepted, now)
        report = document(scans, judgement, now)
        if out is not None:
            write_json(out, clean(report))
    if as_json:
        say_json(report, indent=2)
    else:
        told = (
            ", ".join(f"{count} {name}" for name, count in judgement.counts.items() if count)
            or "no findings that count"
        )
        say(f"{judgement.status}: {told}")
        for line in judgement.reasons:
            say(f"  {line}")
        for why, count in judgement.excused.items():
            say(f"  {count} left out: {why}")
    return judgement.exit_code


def _required(asked: tuple[str, ...], image: str | None, scans: Sequence[Scan]) -> list[str]:
    """What has to have been looked for; where nobody says so, vulnerabilities, or code in scans of code alone."""
    if asked:
        return [name for name in asked if name != "nothing"]
    kinds = frozenset().union(*(scan.kinds for scan in scans)) if scans else frozenset()
    return ["code"] if image is None and "code" in kinds and "vulnerabilities" not in kinds else ["vulnerabilities"]


def _pairs(option: str, words: tuple[str, ...], kind: Any) -> dict[str, Any]:
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name] = kind(value)
        except ValueError:
            raise click.UsageError(f"{option} {word}: expected SEVERITY=VALUE") from None
    return found
