"""
Whether a release carries a signed tag, by git's own verification.

`git verify-tag` says that somebody signed some tag. That it is the tag of this name, that it
stands on this commit, and that the somebody is one of ours is asked here: a reference can be moved to
the signed tag of another release, and what program verifies is a setting of the repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_promotion import text
from pytest_promotion.errors import GateFailed, Unproven

_FORMAT: Final = "%(refname:strip=2)%09%(objecttype)%09%(objectname)%09%(*objectname)"
HEAD: Final = ("git", "rev-parse", "--verify", "HEAD^{commit}")
_SIGNATURES: Final = {"-----BEGIN SSH SIGNATURE-----": "ssh", "-----BEGIN PGP SIGNATURE-----": "openpgp"}
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Tag:
    """A reference below `refs/tags`."""

    name: str
    annotated: bool
    object: str
    commit: str  # what it leads to


def listing(pattern: str) -> list[str]:
    """The command that lists the tags *pattern*."""
    return ["git", "for-each-ref", f"--format={_FORMAT}", f"refs/tags/{pattern}"]


def shown(tag: Tag) -> list[str]:
    """The command that prints the object of *tag*."""
    return ["git", "cat-file", "tag", tag.object]


def verifying(tag: Tag, allowed_signers: str) -> list[str]:
    """The command that verifies *tag*, by the programs of that name and nobody's settings."""
    settings = {
        "gpg.program": "gpg",
        "gpg.openpgp.program": "gpg",
        "gpg.ssh.program": "ssh-keygen",
        "gpg.ssh.allowedSignersFile": allowed_signers,
        "gpg.minTrustLevel": "undefined",  # the keys that are there are those that the policy names
    }
    return ["git", *(word for pair in settings.items() for word in ("-c", "=".join(pair))), "verify-tag", tag.object]


def chosen(listed: str, head: str, name: str, pattern: str) -> Tag:
    """
    The tag of the release at *head*: the one called *name*, or the only one of *pattern*.

    Raises:
        GateFailed: where it is not there, on another commit, or carries no signature by its kind.
    """
    commit = head.strip()
    if not _COMMIT.fullmatch(commit):
        raise Unproven("git does not say which commit this is")
    tags = list(_tags(listed))
    here = [tag for tag in tags if tag.commit == commit and name in ("", tag.name)]
    if not here:
        elsewhere = [tag for tag in tags if name in ("", tag.name)]
        told = "; ".join(f"{tag.name} is on {tag.commit[:12]}" for tag in elsewhere[-3:]) or "there is none at all"
        raise GateFailed(f"no tag {name or pattern} is on the commit {commit[:12]}: {told}")
    if len(here) > 1:
        names = text.listed([tag.name for tag in here])
        raise GateFailed(f"{names} are all on the commit {commit[:12]}: say in the policy which `tag` is the release")
    if not here[0].annotated:
        raise GateFailed(f"{here[0].name} is a lightweight tag: it is a name and carries no signature")
    return here[0]


def _tags(listed: str) -> Iterator[Tag]:
    for line in listed.splitlines():
        words = line.split("\t")
        if len(words) != 4:
            raise Unproven("git answers with something else than a list of tags")
        name, kind, own, peeled = words
        yield Tag(name, kind == "tag", own, peeled or own)


def kind_of_signature(tag: Tag, body: str) -> str:
    """
    How *tag*, with the object *body*, is signed: "ssh" or "openpgp".

    Raises:
        GateFailed: where it is not, or the object is that of another tag or on another commit.
    """
    head, _, message = body.partition("\n\n")
    headers = dict(line.partition(" ")[::2] for line in head.splitlines())
    if headers.get("tag") != tag.name:
        raise GateFailed(f"{tag.name} leads to the tag {headers.get('tag')!r}: it was moved")
    if headers.get("type") != "commit" or headers.get("object") != tag.commit:
        raise GateFailed(f"{tag.name} is a tag of a {headers.get('type')}, expected one of the commit itself")
    for begin, kind in _SIGNATURES.items():
        if f"\n{begin}\n" in f"\n{message}":
            return kind
    raise GateFailed(f"{tag.name} is not signed")
