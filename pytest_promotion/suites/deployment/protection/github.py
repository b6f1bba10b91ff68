"""GitHub's REST interface, as far as branches are protected by it and their changes are reviewed on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from pytest_promotion.errors import Unproven

_PAGE: Final = 100
_MOST_PAGES: Final = 50
NOT_PROTECTED: Final = "Branch not protected"


class Repository:
    """
    One repository, `owner/name`, at *base_url*.

    Every question raises `Unproven` where GitHub cannot be reached, refuses, or does not know the repository or the
    branch: what it answers then says nothing about protection.
    """

    def __init__(self, name: str, token: str | None, base_url: str = "https://api.github.com") -> None:
        from github import Auth, Github

        auth = Auth.Token(token) if token else None
        client = Github(auth=auth, base_url=base_url.rstrip("/"), retry=2, seconds_between_requests=None)
        self._requester = client.requester
        self._place = f"/repos/{name}"

    def protection(self, branch: str) -> dict[str, Any] | None:
        """The classic protection of *branch*, None where there is none."""
        self._ask("GET", f"{self._place}/branches/{branch}")  # a 404 about a branch that is not there is another one
        found = self._ask("GET", f"{self._place}/branches/{branch}/protection", absent=NOT_PROTECTED)
        return found if found is None else _object(found)

    def rules(self, branch: str) -> list[dict[str, Any]]:
        """The rules of all active rulesets that hold for *branch*."""
        return self._pages(f"{self._place}/rules/branches/{branch}", "")

    def bypassed(self, rules: Sequence[dict[str, Any]]) -> dict[Any, str]:
        """
        The rulesets of *rules* that somebody may bypass: the id, and the name with who may.

        GitHub shows who may bypass a ruleset only to those who may change it; where it does not, the ruleset counts as
        one that is bypassed.
        """
        found: dict[Any, str] = {}
        for number in dict.fromkeys(rule.get("ruleset_id") for rule in rules):
            if number is None:
                found[number] = "without a number"
                continue
            said = _object(self._ask("GET", f"{self._place}/rulesets/{number}", {"includes_parents": "true"}))
            actors = said.get("bypass_actors")
            if not isinstance(actors, list):
                found[number] = f"{said.get('name')!r}, which does not show by whom,"
            elif actors:
                kinds = sorted({str(one.get("actor_type")) if isinstance(one, dict) else "?" for one in actors})
                found[number] = f"{said.get('name')!r} (by {', '.join(kinds)})"
        return found

    def ruleset(self, name: str) -> dict[str, Any] | None:
        """The repository's own ruleset called *name*, whole; None where there is none."""
        for one in self._pages(f"{self._place}/rulesets", "", {"includes_parents": "false"}):
            if one.get("name") == name:
                return _object(self._ask("GET", f"{self._place}/rulesets/{one.get('id')}"))
        return None

    def put_ruleset(self, existing: dict[str, Any] | None, body: dict[str, Any]) -> None:
        """Puts *body* in place of the *existing* ruleset, or makes a new one."""
        if existing is None:
            self._ask("POST", f"{self._place}/rulesets", body=body)
        else:
            self._ask("PUT", f"{self._place}/rulesets/{existing['id']}", body=body)

    def check_runs(self, sha: str) -> list[dict[str, Any]]:
        """The newest check run of each name and app on the commit *sha*."""
        return self._pages(f"{self._place}/commits/{sha}/check-runs", "check_runs")

    def statuses(self, sha: str) -> list[dict[str, Any]]:
        """The commit statuses of *sha*, the newest first."""
        return self._pages(f"{self._place}/commits/{sha}/statuses", "")

    def pull(self, number: int) -> dict[str, Any]:
        """The pull request *number*."""
        return _object(self._ask("GET", f"{self._place}/pulls/{number}"))

    def pull_commits(self, number: int) -> list[dict[str, Any]]:
        """The commits of the pull request *number*, of which GitHub names 250 at most."""
        return self._pages(f"{self._place}/pulls/{number}/commits", "")

    def pull_reviews(self, number: int) -> list[dict[str, Any]]:
        """The reviews of the pull request *number*, the oldest first."""
        return self._pages(f"{self._place}/pulls/{number}/reviews", "")

    def protect(self, branch: str, body: dict[str, Any]) -> None:
        """Puts *body* in place of the classic protection of *branch*."""
        self._ask("PUT", f"{self._place}/branches/{branch}/protection", body=body)

    def _pages(self, url: str, member: str, words: Mapping[str, str] = MappingProxyType({})) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            said = self._ask("GET", url, {**words, "per_page": _PAGE, "page": page})
            items = _object(said).get(member) if member else said
            if not isinstance(items, list):
                raise Unproven(f"GitHub answered {url} with no list")
            found += [_object(item) for item in items]
            if len(items) < _PAGE:
                return found
        raise Unproven(f"{url} has more than {_MOST_PAGES * _PAGE} entries")

    def _ask(
        self, verb: str, url: str, words: dict[str, Any] | None = None, body: Any = None, absent: str | None = None
    ) -> Any:
        from github import GithubException

        try:
            _, found = self._requester.requestJsonAndCheck(verb, url, parameters=words, input=body)
        except GithubException as problem:
            said = problem.data.get("message") if isinstance(problem.data, dict) else None
            if absent is not None and problem.status == 404 and said == absent:
                return None
            raise Unproven(f"GitHub answered {verb} {url} with {problem.status}: {said or 'no reason'}") from None
        except (OSError, ValueError) as problem:
            raise Unproven(f"GitHub cannot be asked: {type(problem).__name__}") from None
        except (RuntimeError, AssertionError):  # which PyGithub raises where it is sent to another host
            raise Unproven(
                f"GitHub answered {verb} {url} with a redirect to another host, which is not followed"
            ) from None
        return found


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unproven(f"GitHub answered {value!r}, expected an object")
    return value
