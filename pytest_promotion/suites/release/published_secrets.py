"""
Secrets that everybody knows: those in tutorials, templates and images, and those in the history of the repository.

An estimate of strength takes a key of 64 hexadecimal digits for a strong one, and the documentation of a framework
shows one. Known values are kept by digest, so that this file has no secret in it.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from pytest_promotion import git_environment
from pytest_promotion.errors import Unproven

_START: Final = 32  # characters by which a value is known; variants differ at the end
# SHA-256 of the first characters, in lower case.
_KNOWN: Final = {
    "627aa0a5d03817f280a2e4b07ba7b0a7171054b963a0cac98c3b40d4543e5377",  # FastAPI's tutorial
    "84abfe12ffc7dddc3fbfa4719ff56f5c21d2e871b68bd8820307d1b6a34a1dea",  # Flask's documentation
    "cf5d0909e1e21bac216d25443c8cd2c60f56d62f3998e686addfb56e97e3560c",  # tutorials of Spring Security
    "a376136c6ec80401dc634572f503c55071f350829b735969a6ea179cef8e6644",  # images of Airflow, its Fernet key
    "b6683b96ed0421288c56e8fe7999c4503cdd674fdc590b3e684d4f30a6e3a24e",  # images of Airflow, its web server
}
_TEMPLATE_WORDS: Final = frozenset(
    (
        *("app", "auth", "backend", "change", "changed", "changeit", "changeme", "changethis", "characters"),
        *("complex", "default", "demo", "dev", "development", "django", "dummy", "example", "fake", "fastapi"),
        *("flask", "for", "generate", "generated", "here", "insecure", "jwt", "key", "keys", "least", "local"),
        *("long", "min", "minimum", "must", "not", "only", "password", "placeholder", "please", "prod", "production"),
        *("random", "real", "replace", "sample", "secret", "secrets", "secure", "session", "set", "should", "sign"),
        *("signing", "some", "string", "strong", "super", "temporary", "test", "testing", "that", "the", "this"),
        *("token", "unsafe", "use", "value", "very", "with", "you", "your"),
    )
)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_GENERATED: Final = ("django-insecure-",)  # what a framework's own command puts before a key for development
_SHORTEST: Final = 8  # characters: what is shorter stands in any text
_LARGEST: Final = 16 * 2**20  # bytes of an object that is searched
_LONGEST_S: Final = 300.0


def is_template(value: str) -> bool:
    """Whether *value* is one that tutorials and templates show, or is made of the words that they use."""
    low = value.strip().lower()
    if sha256(low[:_START].encode()).hexdigest() in _KNOWN or low.startswith(_GENERATED):
        return True
    words = _WORD.findall(value)
    named = sum(len(word) for word in words if len(word) > 2 and word.lower() in _TEMPLATE_WORDS)
    return named * 2 >= sum(map(len, words)) > 0


def in_repository(root: Path, secrets: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """
    Which of *secrets*, by name, stand in an object of the repository at *root*, on a branch or on none any more.

    Returns:
        The first object with it, by name; and what limits the answer, such as a history that is not all there, or "".

    Raises:
        Unproven: where git does not give its objects, or not within five minutes.
    """
    wanted = {name: value.encode() for name, value in secrets.items() if len(value) >= _SHORTEST}
    found: dict[str, str] = {}
    passed_over = 0
    for name, content in _objects(root) if wanted else ():
        passed_over += content is None
        for secret, value in wanted.items():
            if content is not None and value in content:
                found.setdefault(secret, name)
    limits = ["only a part of the history is here"] if wanted and _is_shallow(root) else []
    limits += [f"{passed_over} objects are larger than {_LARGEST >> 20} MB"] if passed_over else []
    return found, " and ".join(limits)


def _is_shallow(root: Path) -> bool:
    words = ["git", "-C", str(root), "rev-parse", "--is-shallow-repository"]
    done = subprocess.run(words, capture_output=True, env=git_environment(os.environ), timeout=_LONGEST_S, check=False)
    return done.stdout.strip() != b"false"


def _objects(root: Path) -> Iterator[tuple[str, bytes | None]]:
    """Every file, commit and tag in the repository at *root*: its name, and its content where it is not too large."""
    words = ["git", "-C", str(root), "cat-file", "--batch-all-objects", "--unordered", "--batch"]
    try:
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=git_environment(os.environ)
        )
    except OSError as problem:
        raise Unproven(f"git cannot be run: {problem.strerror}") from None
    watch = threading.Timer(_LONGEST_S, process.kill)
    watch.start()
    try:
        stream: IO[bytes] = process.stdout  # type: ignore[assignment] # it is a pipe
        while header := stream.readline():
            name, kind, size = header.decode("ascii").split()
            content = _content(stream, int(size))
            if kind != "tree":
                yield name, content
        if process.wait():
            raise Unproven(f"git does not give the objects of the repository: exit code {process.returncode}")
    except ValueError:
        raise Unproven("git gives the objects of the repository in another form") from None
    finally:
        watch.cancel()
        process.kill()
        stream.close()
        process.wait()


def _content(stream: IO[bytes], size: int) -> bytes | None:
    if size <= _LARGEST:
        return stream.read(size + 1)
    left = size + 1
    while left:
        part = stream.read(min(left, _LARGEST))
        if not part:
            raise ValueError("it ends")
        left -= len(part)
    return None
