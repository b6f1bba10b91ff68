"""Is the event store the one that a report judged? It may have grown since; what was there has to be there still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Name

if TYPE_CHECKING:
    from pytest_promotion.evidence.artifacts import Artifact


class StoreFile(msgspec.Struct):
    """A file of the event store as it was judged: so many bytes of it, with that SHA-256."""

    OPEN: ClassVar[bool] = True
    path: Name
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, msgspec.Meta(gt=0)]


def changed_since(judged: Iterable[tuple[StoreFile, Artifact]]) -> Iterator[str]:
    """A sentence for each file whose first bytes are not those that were judged, and which is the file of now."""
    for file, now in judged:
        if now.size_bytes < file.size_bytes:
            yield f"{file.path} has {now.size_bytes:,} bytes, and {file.size_bytes:,} were judged"
            continue
        if now.sha256_until(file.size_bytes) != file.sha256:
            yield f"the first {file.size_bytes:,} bytes of {file.path} are others than were judged"
