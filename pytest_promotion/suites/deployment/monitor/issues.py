"""Incidents as GitHub issues: one that is open for each fingerprint, which its body carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.http_client import Peer

LABEL: Final = "promotion-monitor"
_MOST: Final = 1000  # open incidents that are looked through
_ANSWER_S: Final = 15


class Issues:
    """
    The issues of *repository*, `owner/name`, at *base_url*. Each question raises `Unproven`.

    Raises:
        PolicyError: for an address that a token may not be sent to.
    """

    def __init__(self, repository: str, token: str, base_url: str = "https://api.github.com") -> None:
        Peer(base_url, token)
        from github import Auth, Github  # 0.55 s; the extra `github`

        auth, url = Auth.Token(token), base_url.rstrip("/")
        self._repository = Github(auth=auth, base_url=url, timeout=_ANSWER_S, retry=1, lazy=True).get_repo(repository)

    def tell(self, fingerprint: str, title: str, body: str, labels: list[str], known: int | None) -> int:
        """
        Opens an issue, or comments on the one that is open for *fingerprint*; its number.

        It is *known*, or found by its label, which GitHub leaves away where the token may not give it.
        """
        with _answering():
            for issue in self._candidates(known):
                if issue.state == "open" and _mark(fingerprint) in (issue.body or ""):
                    issue.create_comment(body)
                    return int(issue.number)
            marked = f"{body}\n\n{_mark(fingerprint)}\n"
            return int(self._repository.create_issue(title=title, body=marked, labels=[LABEL, *labels]).number)

    def _candidates(self, known: int | None) -> Iterator[Any]:
        if known is not None:
            yield self._repository.get_issue(known).complete()
        for count, issue in enumerate(self._repository.get_issues(state="open", labels=[LABEL])):
            if count == _MOST:
                raise Unproven(f"there are more than {_MOST} open issues called {LABEL}")
            yield issue


def _mark(fingerprint: str) -> str:
    return f"<!-- promotion incident {fingerprint} -->"


@contextmanager
def _answering() -> Iterator[None]:
    from github import GithubException

    try:
        yield
    except GithubException as problem:
        said = problem.data.get("message") if isinstance(problem.data, dict) else None
        raise Unproven(f"GitHub answered {problem.status}: {said or 'no reason'}") from None
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        AssertionError,
    ) as problem:  # also an answer of another form
        raise Unproven(f"GitHub cannot be asked: {type(problem).__name__}") from None
