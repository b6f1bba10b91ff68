"""Who asks: the person behind an event, and whether two of them are one."""

from __future__ import annotations

import getpass
import os
import subprocess
from functools import cache
from typing import Any, Final, Literal

import msgspec

from pytest_promotion.errors import Unproven

ASKED_BY: Final = "asked_by"  # the member of an event's payload that names who asked
Source = Literal["git", "os", "sign-in", "signature", "given"]


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A name, and where it is from: git's identity, the operating system's user, a sign-in, a signature, or a caller.

    Only `sign-in` and `signature` were proven to anybody; the others are what the machine says.
    """

    name: str
    source: Source

    @property
    def shown(self) -> str:
        """The name with its source."""
        return f"{self.name} ({self.source})"

    def document(self) -> dict[str, str]:
        """For an event."""
        return {"name": self.name, "source": self.source}

    def same_as(self, name: str | None) -> bool:
        """Whether *name* is this person's, whatever its case and spaces."""
        return folded(self.name) == folded(name or "")


def asking(folder: str | None = None) -> Person:
    """
    Who runs this process: the e-mail address that git has for *folder*, else the user of the operating system.

    Raises:
        Unproven: where the machine names nobody.
    """
    return _asking(folder or os.getcwd())


@cache
def _asking(folder: str) -> Person:
    try:
        done = subprocess.run(
            ["git", "config", "user.email"],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        name = done.stdout.strip() if done.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired):
        name = ""
    if name:
        return Person(name, "git")
    try:
        return Person(getpass.getuser(), "os")
    except (KeyError, OSError, ImportError):
        raise Unproven("nobody is named: neither git nor the operating system says who asks") from None


def person_of(document: Any) -> Person | None:
    """The person in an event; None where an older one has none."""
    try:
        return msgspec.convert(document, Person)
    except msgspec.ValidationError:
        return None


def folded(name: str) -> str:
    """*name* as it is compared: case and spaces make nobody a second person."""
    return "".join(name.split()).casefold()
