"""What may be removed, and when: `config/artifact_retention_policy.json`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Name, Version

# A folder below reports/ that is named, and what lies in it.
Below = Annotated[str, msgspec.Meta(pattern=r"^reports/[\w-]+/[^/].*$")]


class RetentionRule(msgspec.Struct):
    """Files that may go after so many days."""

    name: Name
    glob: Below
    keep_days: Annotated[int, msgspec.Meta(ge=7)]


class Retention(msgspec.Struct):
    """The file. Whoever removes says so on the command line, so that nothing is removed by a schedule alone."""

    version: Version
    default_mode: Literal["dry_run"]
    rules: list[RetentionRule]
    protect_latest: list[Name]
