"""The benchmark's cases: what is asked, and what a good answer contains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.knowledge import strict_json

Word = Annotated[str, msgspec.Meta(min_length=1)]
Grade = Annotated[int, msgspec.Meta(ge=1, le=3)]


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """
    One question.

    `relevant` names the documents that answer it, by their source name, with grades from 1 to
    3. Where it is left out, a document is relevant by the expected keywords in its text.
    """

    query: Word
    expected_keywords: Annotated[list[Word], msgspec.Meta(min_length=1)]
    top_k: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    mode: Literal["hybrid", "fts"] = "hybrid"  # both are answered by words; there are no vectors here
    policy_profile: Literal["strict", "balanced", "recall"] = "balanced"
    id: str = ""
    relevant: dict[str, Grade] = {}

    @property
    def keywords(self) -> list[str]:
        """The expected keywords as they are compared: without case, each once."""
        return list(dict.fromkeys(word.strip().lower() for word in self.expected_keywords))


def read(path: Path) -> tuple[list[Case], str]:
    """The cases in the file at *path*, at least one, and its SHA-256. Raises `PolicyError` with the place."""
    cases, sha256 = strict_json.read(path, list[Case], "the cases file")
    if not cases:
        raise PolicyError(f"{path} has no cases")
    for number, case in enumerate(cases):
        if not case.query.strip():
            raise PolicyError(f"{path} at [{number}].query: it is blank")
        try:
            "".join((case.query, case.id, *case.expected_keywords, *case.relevant)).encode()
        except UnicodeEncodeError:
            raise PolicyError(f"{path} at [{number}]: it has half of a character (a lone surrogate)") from None
        if not all(case.keywords):
            raise PolicyError(f"{path} at [{number}].expected_keywords: a keyword is blank, which is in every document")
    return cases, sha256
