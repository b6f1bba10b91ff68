"""
Files that are secret by nature: their bytes are evidence, and are copied nowhere.

A decision lists such a file by its path, digest and size; what was in it stays where it is.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

# By name, in lower case; what programs keep their own secrets in.
_NAMES: Final = frozenset(
    {
        ".netrc",
        "_netrc",
        ".pgpass",
        "pgpass.conf",
        ".my.cnf",
        ".mylogin.cnf",
        ".npmrc",
        ".yarnrc.yml",
        ".pypirc",
        ".htpasswd",
        ".git-credentials",
        ".dockercfg",
        ".dockerconfigjson",
        ".s3cfg",
        ".boto",
        ".vault-token",
        ".vault_pass",
        "kubeconfig",
        "credentials.json",
        "application_default_credentials.json",
        "shadow",
        "master.key",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ecdsa_sk",
        "id_ed25519",
        "id_ed25519_sk",
    }
)
_PLACES: Final = (
    "/.docker/config.json",
    "/.aws/credentials",
    "/.kube/config",
    "/.config/gh/hosts.yml",
    "/gcloud/credentials.db",
)
_SUFFIXES: Final = frozenset({".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".p8"})
_ENV: Final = re.compile(r"\.env(?:\..+)?|.+\.env|\.envrc")
_EXAMPLE: Final = re.compile(r".*\.(?:example|sample|template|dist|defaults?)")
_WRITTEN_DOWN: Final = re.compile(r"secrets?\.(?:ya?ml|json|toml|ini|properties|txt)")

_LOOKED_AT: Final = 2**16  # bytes; a private key is shorter
_BEGIN: Final = b"-----BEGIN "
_KEY: Final = b"PRIVATE KEY"
_PUTTY: Final = b"PuTTY-User-Key-File-"


def is_secret(path: str) -> bool:
    """Whether the file at *path* is secret by its name."""
    lower = path.lower()
    name = PurePosixPath(lower).name
    if name in _NAMES or f"/{lower}".endswith(_PLACES) or PurePosixPath(name).suffix in _SUFFIXES:
        return True
    if _EXAMPLE.fullmatch(name):
        return False
    return bool(_ENV.fullmatch(name) or _WRITTEN_DOWN.fullmatch(name))


def holds_private_key(content: bytes) -> bool:
    """Whether *content* is a file that begins as one with a private key in it does."""
    if content.startswith(_PUTTY):
        return True
    start = content[:64].lstrip()
    return start.startswith(_BEGIN) and content.find(_KEY, 0, _LOOKED_AT) >= 0
