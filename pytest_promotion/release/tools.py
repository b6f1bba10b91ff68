"""The programs that release gates run, and how to get those that are missing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Final

from pytest_promotion.errors import GateFailed

INSTALL: Final = {
    "git": "install it from https://git-scm.com/downloads",
    "gpg": "install GnuPG from https://gnupg.org/download",
    "npm": "install Node.js 20 or newer, which brings it, from https://nodejs.org",
    "ssh-keygen": "install OpenSSH 8.1 or newer",
    "docker compose": "install Docker with its Compose plugin from https://docs.docker.com/compose/install",
}


def demand(program: str) -> None:
    """Raises `GateFailed`, with how to get it, where *program* is not there."""
    if shutil.which(program) is None:
        raise GateFailed(f"{program} is not installed: {INSTALL.get(program, 'install it')}")


def found_beside_python(program: str) -> str:
    """Where *program* is: beside the interpreter, where a virtual environment has it, else where PATH has it."""
    places = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    return shutil.which(program, path=places) or program


def for_git(environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* without what leads git to another repository, other objects or other settings."""
    kept = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
    ours = {"GIT_OPTIONAL_LOCKS": "0", "GIT_GRAFT_FILE": os.devnull}
    # That grafts are no more is told wherever somebody names a file of them, and answers are read word by word.
    quiet = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "advice.graftFileDeprecated", "GIT_CONFIG_VALUE_0": "false"}
    return {**kept, **ours, **quiet, "LC_ALL": "C"}
