"""A search service, asked over HTTP: a URL with `{query}` and `{k}`, and a JSONPath of the names in its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.http_client import Peer
from pytest_promotion.suites.release.knowledge.cases import Question
from pytest_promotion.suites.release.knowledge.retrievers import answers
from pytest_promotion.text import legible

TOKEN: Final = "KB_RETRIEVER_TOKEN"  # noqa: S105 - the name of a variable


class EndpointRetriever:
    """
    The service at *template*: a GET, or a POST where there is a *body*.

    Args:
        template: an http or https URL in which `{query}` and `{k}` are filled in, percent-encoded.
        ids: the JSONPath (RFC 9535) of the documents' names, best first; "" where the answer is one of ours.
        body: JSON with `{query}` inside of a text and `{k}` where a number belongs.
        environment: where the bearer token is, if there is one: `KB_RETRIEVER_TOKEN`.

    Raises:
        PolicyError: for a URL, a body or a path that cannot be used.
    """

    kind = "http"
    version: str | None = None

    def __init__(self, template: str, ids: str, body: str, environment: Mapping[str, str], timeout_s: float) -> None:
        try:
            parts = urlsplit(template)
            base = f"{parts.scheme}://{parts.netloc}"
        except ValueError:
            raise PolicyError("the retriever's URL cannot be read") from None
        if "{query}" not in template + body or "{" in parts.netloc:
            raise PolicyError("the retriever's URL needs {query}, in the path, the query or --retriever-body")
        self._path = template[len(base) :] or "/"
        self._body = body
        self._ids = _compiled(ids) if ids else None
        self._peer = Peer(base, environment.get(TOKEN, ""), timeout_s, answers.LARGEST)
        self._filled_body(Question("", "x", 1))

    def names(self, questions: Sequence[Question]) -> list[list[answers.NamedDocument]]:
        """The answers in the order of *questions*. Raises `Unproven` with what the service said."""
        return [self._names(question) for question in questions]

    def _names(self, question: Question) -> list[answers.NamedDocument]:
        path = self._path.replace("{k}", str(question.k)).replace("{query}", quote(question.query, safe=""))
        answer = self._peer.ask("POST" if self._body else "GET", path, body=self._filled_body(question))
        if not answer.good:
            words = legible(answer.content[:200].decode("utf-8", "replace"))
            raise Unproven(f"the retriever answered {question.id} with status {answer.status}: {words}")
        found = answers.parsed(answer.content, question)
        if self._ids is None:
            return answers.names(found, question)
        # Read leniently once it was read strictly: a path may look for keys that some objects do not have.
        plain = json.loads(answer.content)
        values = [node.value for node in self._ids.finditer(plain)] if isinstance(plain, (dict, list)) else []
        if not values and not _empty(found):
            raise Unproven(f"the JSONPath finds nothing in the answer to {question.id}, which is not empty")
        return answers.names(values, question)

    def _filled_body(self, question: Question) -> Any:
        if not self._body:
            return None
        text = self._body.replace("{k}", str(question.k)).replace("{query}", json.dumps(question.query)[1:-1])
        try:
            return json.loads(text)
        except ValueError as problem:
            raise PolicyError(f"the retriever's body is no JSON: {problem}") from None


def _empty(answer: Any) -> bool:
    """Whether *answer* says in its own form that nothing was found: it has an array, and each of them is empty."""
    if isinstance(answer, list):
        return not answer
    if isinstance(answer, dict):
        inside = [value for value in answer.values() if isinstance(value, (list, dict))]
        return bool(inside) and all(_empty(value) for value in inside)
    return False


def _compiled(path: str) -> Any:
    try:
        import jsonpath  # the extra `kb-http`; 0.1 s
    except ImportError:
        raise PolicyError("a JSONPath needs python-jsonpath: pip install 'pytest-promotion[kb-http]'") from None
    try:
        return jsonpath.JSONPathEnvironment(strict=True).compile(path)
    except jsonpath.JSONPathError as problem:
        raise PolicyError(f"{path!r} is no JSONPath: {str(problem).splitlines()[0]}") from None
