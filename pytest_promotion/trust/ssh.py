"""
Signatures by `ssh-keygen -Y`: engineers have the keys, and hardware holds them already.

The namespace is part of what is signed: a signature under a commit, or under another kind of
exception, is none here. Where the program is missing nothing is accepted.

https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
"""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven

_PROGRAM: Final = "ssh-keygen"
_VERIFY_S: Final = 30.0
_SIGN_S: Final = 300.0  # somebody has to find and touch a security key
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
_END: Final = "-----END SSH SIGNATURE-----"
_WIDTH: Final = 70


def sign(message: bytes, key: Path, namespace: str) -> str:
    """
    The signature of *message* with the private key at *key*, or with the agent's where that is its public half.

    Returns:
        base64 in one line.

    Raises:
        Unproven: where the program is missing, or says no.
    """
    with tempfile.TemporaryDirectory(prefix="promotion-sign-") as folder:
        path = Path(folder) / "message"
        path.write_bytes(message)
        done = _run(["-Y", "sign", "-q", "-f", str(key), "-n", namespace, str(path)], b"", _SIGN_S)
        if done.returncode != 0:
            raise Unproven(f"{key} does not sign: {_told(done)}")
        armored = path.with_suffix(".sig").read_text(encoding="ascii")
    match = re.fullmatch(rf"{_BEGIN}\s+([A-Za-z0-9+/=\s]+){_END}\s*", armored)
    if match is None:
        raise Unproven(f"{key} gave something that is no signature")
    return "".join(match[1].split())


def check(message: bytes, signature: str, key: str, name: str, namespace: str) -> None:
    """
    Demands that *signature* is that of *key* ("ssh-ed25519 AAAA…") under *message* in *namespace*.

    Raises:
        Unproven: otherwise, and where the program is missing.
    """
    try:
        base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise Unproven(f"the signature of {name} is no base64") from None
    lines = [signature[place : place + _WIDTH] for place in range(0, len(signature), _WIDTH)]
    with tempfile.TemporaryDirectory(prefix="promotion-verify-") as folder:
        allowed, armored = Path(folder) / "allowed_signers", Path(folder) / "signature"
        allowed.write_text(f'{name} namespaces="{namespace}" {key}\n', encoding="ascii")
        armored.write_text("\n".join([_BEGIN, *lines, _END, ""]), encoding="ascii")
        words = ["-Y", "verify", "-f", str(allowed), "-I", name, "-n", namespace, "-s", str(armored)]
        done = _run(words, message, _VERIFY_S)
    if done.returncode != 0:
        raise Unproven(f"the signature of {name} is not good: {_told(done)}")


def _run(words: list[str], message: bytes, timeout: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([_PROGRAM, *words], input=message, capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError:
        raise Unproven(f"{_PROGRAM} is not installed: SSH signatures need OpenSSH 8.1 or newer") from None
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Unproven(f"{_PROGRAM} cannot be run: {problem}") from None


def _told(done: subprocess.CompletedProcess[bytes]) -> str:
    said = " ".join((done.stderr + done.stdout).decode("utf-8", "replace").split())
    return said[:200] or f"exit code {done.returncode}"
