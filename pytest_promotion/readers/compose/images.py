"""
References to images: `registry/repository:tag@digest`.

Grammar and the names that are left out (`docker.io`, `library/`, `latest`) are those of the
distribution project's package `reference`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_promotion.errors import PromotionError

_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN: Final = rf"(?:{_HOST}(?:\.{_HOST})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE: Final = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z][a-z0-9]*(?:[-_+.][a-z][a-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)
_LONGEST: Final = 255  # characters of a repository's full name


class BadReference(PromotionError, ValueError):
    """A text that names no image. The message says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """One reference with what may be left out filled in; `tag` and `digest` are "" where there is none."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """The full name without tag and digest: two references with the same name mean the same repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def pinned(self) -> bool:
        """Whether it means the same bytes tomorrow: only a digest says so."""
        return bool(self.digest)

    @property
    def floating(self) -> bool:
        """Whether it means whatever was pushed last: `latest`, or no tag at all."""
        return not self.digest and self.tag in ("", "latest")

    def __str__(self) -> str:
        name = self.name.removeprefix("docker.io/").removeprefix("library/")
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def same(self, other: Image) -> bool:
        """Whether both mean the same image; no tag means `latest`."""
        if self.name != other.name:
            return False
        if self.digest and other.digest:
            return self.digest == other.digest
        return self.digest == other.digest and (self.tag or "latest") == (other.tag or "latest")


def parse(text: str) -> Image:
    """The image that *text* names. Raises `BadReference`."""
    if re.fullmatch(r"[0-9a-f]{64}", text):
        raise BadReference("the id of an image, which no other machine knows; give its name")
    found = _REFERENCE.fullmatch(text)
    if found is None:
        lowered = _REFERENCE.fullmatch(text.lower())
        raise BadReference(
            "a repository's name is lower case" if lowered else "expected [registry/]name[:tag][@digest]"
        )
    domain, path = found["domain"] or "", found["path"]
    if domain and not ("." in domain or ":" in domain or domain == "localhost" or domain != domain.lower()):
        domain, path = "", f"{domain}/{path}"  # the first part of a name with slashes, not a registry
    registry = "docker.io" if domain in ("", "index.docker.io") else domain
    if registry == "docker.io" and "/" not in path:
        path = f"library/{path}"
    if len(registry) + 1 + len(path) > _LONGEST:
        raise BadReference(f"a repository's name has {_LONGEST} characters at most")
    digest = found["digest"] or ""
    if digest.startswith("sha256:") and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise BadReference("a sha256 digest has 64 digits, in lower case")
    return Image(registry, path, found["tag"] or "", digest)
