"""
Who has approved a pull request on GitHub, by GitHub's own answers.

The last word of each person counts: an approval, a request for changes, or one that was dismissed. A comment is none
of these. It counts on the commit that is judged and on no other; nobody approves what he wrote, and no program
approves anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import a_list, an_object, named
from pytest_promotion.model import Approver
from pytest_promotion.trust import approvals

_PAGES: Final = (30, 100)  # GitHub's own size of a page, and its largest: one that is as long may not be the last
_WORDS: Final = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_NO_WORD: Final = ("COMMENTED", "PENDING")


@dataclass(frozen=True, slots=True)
class Review:
    """A person's word. `by` is the login in small letters, `commit` what he saw."""

    by: str
    word: str
    commit: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request with its commits and reviews."""

    repository: str
    author: str
    head: str
    alive: bool  # open or merged
    authors: Mapping[str, tuple[str, ...]]  # of each commit, by its name
    reviews: tuple[Review, ...]  # the last word of each person


def read(document: Mapping[str, Any], origin: str) -> Pull:
    """
    The pull request in *document*: `pull`, and the pages of `commits` and of `reviews`, as GitHub answers.

    Raises:
        Unproven: for what is not as GitHub documents it, a page that may not be the last, and a commit whose author
            GitHub does not know: he may be one of those who approve.
    """
    pull = an_object(document["pull"], f"{origin}: pull")
    base = an_object(an_object(pull["base"], f"{origin}: base")["repo"], f"{origin}: base.repo")
    commits = _items(document["commits"], f"{origin}: commits")
    authors = {}
    for number, one in enumerate(commits):
        place = f"{origin}: commit {number + 1}"
        sha = _text(one["sha"], f"{place} sha")
        authors[sha] = tuple(_login(one[part], f"{place} {part}") for part in ("author", "committer"))
    if pull["commits"] != len(commits) or isinstance(pull["commits"], bool):
        raise Unproven(f"{origin} has {len(commits)} of the {pull['commits']} commits of the pull request")
    said = [_review(one, f"{origin}: review {number + 1}") for number, one in enumerate(_reviews(document, origin))]
    last: dict[str, Review] = {}
    for review in sorted(filter(None, said), key=lambda one: one.at):
        last[review.by] = review
    return Pull(
        _text(base["full_name"], f"{origin}: base.repo.full_name"),
        _login(pull["user"], f"{origin}: user"),
        _text(an_object(pull["head"], f"{origin}: head")["sha"], f"{origin}: head.sha"),
        _text(pull["state"], f"{origin}: state") == "open" or pull.get("merged") is True,
        authors,
        tuple(last.values()),
    )


def lacking(
    pull: Pull, head: str, commits: Collection[str], people: Mapping[str, Sequence[str]], wanted: Mapping[str, int]
) -> list[str]:
    """
    What *pull* lacks before *head* may go on.

    Args:
        commits: those that are judged; each has to be one of the pull request's.
        people: logins by role.
        wanted: how many of each role.

    Raises:
        Unproven: where it is the pull request of another head, or its commits are others.
    """
    if pull.head != head:
        raise Unproven(f"the reviews are of {pull.head[:12]}, and the head is {head[:12]}: ask GitHub again")
    unknown = sorted(set(commits) - pull.authors.keys())
    if unknown:
        raise Unproven(f"GitHub does not count {unknown[0][:12]} to the pull request: nobody can tell who wrote it")
    roles: dict[str, tuple[str, ...]] = {login.lower(): () for logins in people.values() for login in logins}
    for role, logins in people.items():
        for login in logins:
            roles[login.lower()] += (role,)
    said = [review for review in pull.reviews if review.by in roles]
    wrong = [] if pull.alive else ["the pull request was closed"]
    wrong += [f"{review.by} asks for changes" for review in said if review.word == "CHANGES_REQUESTED"]
    approved = [review for review in said if review.word == "APPROVED"]
    why = {review.by: _why_not(review, pull, head) for review in approved}
    counted = [Approver(review.by, roles[review.by]) for review in approved if not why[review.by]]
    missing = approvals.lacking(wanted, counted)
    if missing:
        instead = ", ".join(f"{by} {text}" for by, text in why.items() if text)
        wrong.append(f"no approval on {head[:12]} by {', '.join(missing)}{instead and f' ({instead})'}")
    return wrong


def _why_not(review: Review, pull: Pull, head: str) -> str:
    """Why an approval does not count, "" where it does."""
    if review.by == pull.author or any(review.by in logins for logins in pull.authors.values()):
        return "wrote some of it"
    return "" if review.commit == head else f"saw {(review.commit or 'nothing')[:12]}"


def _reviews(document: Mapping[str, Any], origin: str) -> list[dict[str, Any]]:
    return _items(document["reviews"], f"{origin}: reviews")


def _items(pages: Any, place: str) -> list[dict[str, Any]]:
    """What stands on all *pages* of an answer, the last of which is shorter than the others."""
    read = [[an_object(item, place) for item in a_list(page, f"a page of {place}")] for page in a_list(pages, place)]
    sizes = [len(page) for page in read]
    if not sizes:
        raise Unproven(f"{place} has no page: what GitHub answered is a list of items, and this one of such lists")
    if sizes[-1] in (sizes[0] if len(sizes) > 1 else -1, *_PAGES) or len(set(sizes[:-1])) > 1:
        raise Unproven(f"{place} may go on: the last page is full, or one is missing; use --paginate and --slurp")
    return [item for page in read for item in page]


def _review(said: Mapping[str, Any], place: str) -> Review | None:
    word = _text(said["state"], f"{place} state")
    if word not in (*_WORDS, *_NO_WORD):
        raise Unproven(f"{place} is {word!r}, which is no state of a review")
    user, commit = said["user"], said["commit_id"]
    if user is None:
        return None  # who is gone from GitHub is nobody who could answer for it
    login, kind = _login(user, place), _text(an_object(user, place)["type"], f"{place} type")
    if word in _NO_WORD or kind != "User" or login.endswith("[bot]"):
        return None
    try:
        at = parse_moment(said["submitted_at"])
    except BadTimestamp as problem:
        raise Unproven(f"{place} submitted_at is {problem}") from None
    return Review(login, word, None if commit is None else _text(commit, f"{place} commit_id"), at)


def _login(user: Any, place: str) -> str:
    if user is None:
        raise Unproven(f"{place} is nobody whom GitHub knows: nobody can tell whether he approved himself")
    return _text(an_object(user, place)["login"], f"{place} login").lower()


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise Unproven(f"{place} is {named(value)}, expected a text")
    return value
