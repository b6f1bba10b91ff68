"""The benchmark's cases: what is asked, and what a good answer contains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.knowledge import strict_json
from pytest_promotion.suites.release.knowledge.words import composed

Word = Annotated[str, msgspec.Meta(min_length=1)]
Grade = Annotated[int, msgspec.Meta(ge=1, le=3)]


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """
    One question.

    `relevant` names the documents that answer it, by their source name, with grades from 1 to
    3. Where it is left out, a document is relevant by the expected keywords in its text. A case has keywords,
    labels or both.
    """

    query: Word
    expected_keywords: list[Word] = []
    top_k: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    mode: Literal["hybrid", "fts"] = "hybrid"  # both are answered by words; there are no vectors here
    policy_profile: Literal["strict", "balanced", "recall"] = "balanced"
    id: str = ""
    relevant: dict[str, Grade] = {}

    @property
    def keywords(self) -> list[str]:
        """The expected keywords as they are compared: without case, each once."""
        return list(dict.fromkeys(composed(word.strip()).lower() for word in self.expected_keywords))

    @property
    def sha256(self) -> str:
        """A digest of everything but the id: the same question with the same expectations, in another file, too."""
        return digest([self.query, self.expected_keywords, self.top_k, self.policy_profile, self.relevant])

    @property
    def question(self) -> Question:
        """What a retriever is asked."""
        return Question(self.id, composed(self.query), self.top_k, self.policy_profile)


@dataclass(frozen=True, slots=True)
class Question:
    """A case without what a good answer to it is."""

    id: str
    query: str
    k: int
    profile: str = "balanced"


def read(path: Path) -> tuple[list[Case], str]:
    """
    The cases in the file at *path*, at least one and each with an id, and its SHA-256.

    Raises:
        PolicyError: with the place, for cases that cannot be used.
    """
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
        if not (case.expected_keywords or case.relevant):
            raise PolicyError(f"{path} at [{number}]: it has no expected_keywords and no relevant documents")
        if not all(case.keywords):
            raise PolicyError(f"{path} at [{number}].expected_keywords: a keyword is blank, which is in every document")
    numbered = [
        msgspec.structs.replace(case, id=case.id.strip() or f"case-{number}") for number, case in enumerate(cases, 1)
    ]
    twice = sorted({case.id for case in numbered if [one.id for one in numbered].count(case.id) > 1})
    if twice:
        raise PolicyError(f"{path}: the id {twice[0]!r} is a duplicate")
    return numbered, sha256
