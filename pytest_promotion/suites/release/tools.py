"""The programs that release gates run, and how to get those that are missing."""

from __future__ import annotations

import shutil
from typing import Final

from pytest_promotion.errors import GateFailed

INSTALL: Final = {
    "git": "install it from https://git-scm.com/downloads",
    "gpg": "install GnuPG from https://gnupg.org/download",
    "npm": "install Node.js 20 or newer, which brings it, from https://nodejs.org",
    "pnpm": "npm install --global pnpm",
    "yarn": "npm install --global yarn",
    "bun": "npm install --global bun",
    "ssh-keygen": "install OpenSSH 8.1 or newer",
    "docker compose": "install Docker with its Compose plugin from https://docs.docker.com/compose/install",
}


def demand(program: str) -> None:
    """Raises `GateFailed`, with how to get it, where *program* is not there."""
    if shutil.which(program) is None:
        raise GateFailed(f"{program} is not installed: {INSTALL.get(program, 'install it')}")
