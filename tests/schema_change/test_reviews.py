"""Whose word counts on a pull request, and whose does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from fixtures.deployment import review
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.suites.deployment.schema_change import reviews

HEAD, OLD = "a" * 40, "b" * 40
PEOPLE = {"backend": ["ben-light", "ada-north"], "qa": ["cleo-quay"], "product-owner": ["dora-lane"]}
WANTED = {"backend": 1, "qa": 1, "product-owner": 1}
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
ADA = {"login": "ada-north", "type": "User"}
GOOD = ("ben-light", "cleo-quay", "dora-lane")


def document(*said, **changes):
    pull = {
        "state": "open",
        "merged": False,
        "user": ADA,
        "head": {"sha": HEAD},
        "base": {"repo": {"full_name": "northlight/northlight"}},
        "commits": 1,
    }
    commits = [[{"sha": HEAD, "author": ADA, "committer": ADA}]]
    given = list(said) if said else [review(login, HEAD, AT) for login in GOOD]
    return {"pull": pull | changes.pop("pull", {}), "commits": commits, "reviews": [given]} | changes


def lacking(found, **changes):
    pull = reviews.read(parse_json(json.dumps(found).encode(), "reviews.json"), "reviews.json")
    return reviews.lacking(pull, HEAD, [HEAD], **({"people": PEOPLE, "wanted": WANTED} | changes))


def said(*more, without=()):
    return [*(review(login, HEAD, AT) for login in GOOD if login not in without), *more]


def later(login, state, sha=HEAD, minutes=5, **changes):
    return review(login, sha, AT + timedelta(minutes=minutes), state) | changes


def test_one_of_each_role_is_enough():
    """A gate that asks for more than the policy is worked around."""
    assert lacking(document()) == []


@pytest.mark.parametrize("gone", GOOD)
def test_each_role_has_to_approve(gone):
    """Two reviewers and the product owner: none of them stands in for another."""
    [why] = lacking(document(*said(without=gone)))
    role = next(role for role, logins in PEOPLE.items() if gone in logins)
    assert f"no approval on {HEAD[:12]} by {role}" == why


def test_nobody_at_all_is_named_role_by_role():
    """Who has to be asked is wanted at once, not one a run."""
    [why] = lacking(document(review("somebody", HEAD, AT)))
    assert why.endswith("by backend, product-owner, qa")


def test_an_approval_of_an_older_commit_does_not_count():
    """What was pushed after the review is what nobody saw."""
    [why] = lacking(document(*said(review("ben-light", OLD, AT), without="ben-light")))
    assert f"(ben-light saw {OLD[:12]})" in why


@pytest.mark.parametrize("sha", [HEAD[:12], HEAD.upper(), None])
def test_only_the_whole_name_of_the_head_is_the_head(sha):
    """A name cut short is that of many commits."""
    assert lacking(document(*said(review("ben-light", sha, AT), without="ben-light"))) != []


@pytest.mark.parametrize(
    "writer",
    [
        {"pull": {"user": {"login": "Ben-Light", "type": "User"}}},
        {"commits": [[{"sha": HEAD, "author": {"login": "BEN-LIGHT"}, "committer": ADA}]]},
        {"commits": [[{"sha": HEAD, "author": ADA, "committer": {"login": "ben-light"}}]]},
    ],
    ids=["opened it", "wrote a commit", "committed it"],
)
def test_nobody_approves_what_he_wrote(writer):
    """A login in other letters is the same person, and the one who pushed is not always the one who wrote."""
    [why] = lacking(document(**writer))
    assert "by backend (ben-light wrote some of it)" in why


def test_one_person_fills_one_place():
    """Somebody with two roles is still one pair of eyes."""
    people = {"backend": ["ben-light"], "qa": ["Ben-Light"], "product-owner": ["dora-lane"]}
    [why] = lacking(document(*said(without="cleo-quay")), people=people)
    assert [role for role in people if f"by {role}" in why] == ["qa"]
    assert lacking(document(), people=people | {"qa": ["ben-light", "cleo-quay"]}) == []


def test_twice_the_same_person_is_one():
    """Two approvals by one reviewer are not two reviewers."""
    [why] = lacking(document(*said(later("ben-light", "APPROVED"))), wanted=WANTED | {"backend": 2})
    assert "by backend" in why


def test_a_login_counts_in_any_letters():
    """GitHub keeps the letters that somebody signed up with, and the policy was typed by hand."""
    assert lacking(document(*said(review("BEN-Light", HEAD, AT), without="ben-light"))) == []


def test_a_comment_neither_gives_nor_takes():
    """A question after an approval is no change of mind, and no approval either."""
    assert lacking(document(*said(later("ben-light", "COMMENTED")))) == []
    assert lacking(document(*said(later("ben-light", "COMMENTED"), without="ben-light"))) != []


def test_the_last_word_counts():
    """An approval before a request for changes is not one any more; the other way round it is."""
    wrong = lacking(document(*said(later("ben-light", "CHANGES_REQUESTED"))))
    assert wrong == ["ben-light asks for changes", f"no approval on {HEAD[:12]} by backend"]
    assert lacking(document(later("ben-light", "CHANGES_REQUESTED", minutes=-5), *said())) == []
    assert (
        lacking(
            document(
                later("ben-light", "CHANGES_REQUESTED", minutes=5), *said(later("ben-light", "APPROVED", minutes=9))
            )
        )
        == []
    )


def test_the_order_of_the_answer_does_not_matter():
    """Which of two words is the last is said by their time."""
    assert lacking(document(later("ben-light", "CHANGES_REQUESTED"), *said())) != []


def test_a_request_for_changes_on_an_older_commit_stands():
    """Nobody withdrew it: that the author pushed again does not answer it."""
    assert "cleo-quay asks for changes" in lacking(document(*said(later("cleo-quay", "CHANGES_REQUESTED", OLD))))


def test_a_dismissed_approval_is_none():
    """Somebody took it away, and it still stands in the list."""
    assert lacking(document(*said(later("cleo-quay", "DISMISSED")))) == [f"no approval on {HEAD[:12]} by qa"]
    assert lacking(document(*said(review("cleo-quay", HEAD, AT, "DISMISSED"), without="cleo-quay"))) != []


@pytest.mark.parametrize(
    "user",
    [
        {"login": "ben-light", "type": "Bot"},
        {"login": "ben-light", "type": "Organization"},
        None,
    ],
    ids=["bot", "organization", "gone"],
)
def test_no_program_approves(user):
    """An app that approves what passed its checks approves everything."""
    found = document(*said(later("ben-light", "APPROVED", user=user), without="ben-light"))
    assert lacking(found) != []


def test_a_bot_by_its_name_approves_nothing():
    """Some answers call a bot a user."""
    people = PEOPLE | {"backend": ["merge[bot]"]}
    assert lacking(document(*said(review("merge[bot]", HEAD, AT))), people=people) != []


def test_a_closed_pull_request_is_approved_by_nobody():
    """It was given up, and its reviews are still there; one that was merged was not."""
    assert lacking(document(pull={"state": "closed"})) == ["the pull request was closed"]
    assert lacking(document(pull={"state": "closed", "merged": True})) == []


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (document(pull={"head": {"sha": OLD}}), "the reviews are of bbbbbbbbbbbb"),
        (document(commits=[[{"sha": OLD, "author": ADA, "committer": ADA}]]), "does not count aaaaaaaaaaaa"),
        (document(commits=[[{"sha": HEAD, "author": None, "committer": ADA}]]), "nobody whom GitHub knows"),
        (document(commits=[[{"sha": HEAD, "author": ADA, "committer": None}]]), "nobody whom GitHub knows"),
        (document(commits=[[]]), "has 0 of the 1 commits"),
        (document(pull={"commits": 251}), "has 1 of the 251 commits"),
        (document(pull={"commits": True}), "has 1 of the True commits"),
        (document(pull={"user": None}), "nobody whom GitHub knows"),
        (document(reviews=[]), "has no page"),
        (document(reviews={}), "expected a list"),
        (document(reviews=[{"user": ADA}]), "expected a list"),
        (document(reviews=[[None]]), "expected an object"),
        (document(reviews=[said(*[review("x", HEAD, AT)] * 27)]), "may go on"),
        (document(reviews=[said(*[review("x", HEAD, AT)] * 97)]), "may go on"),
        (document(reviews=[said(), said()]), "may go on"),
        (document(reviews=[said()[:2], said(), []]), "may go on"),
        (document(*said(later("x", "approved"))), "no state of a review"),
        (document(*said(later("x", "APPROVED", submitted_at=None))), "submitted_at is None"),
        (document(*said(later("x", "APPROVED", submitted_at="2026-11-02T09:00:00"))), "no offset"),
        (document(*said({"state": "APPROVED"})), "has no field 'user'"),
        ({"pull": {}}, "has no field"),
        ({}, "has no field 'pull'"),
    ],
    ids=range(22),
)
def test_an_answer_that_is_not_whole_is_no_answer(found, why):
    """Half a list of reviews has no request for changes, and half a list of commits has no second author."""
    with pytest.raises(Unproven, match=why):
        lacking(found)


def test_many_pages_are_read_to_their_end():
    """The request for changes stands on the last page."""
    first = [review("x", HEAD, AT)] * 100
    assert lacking(document(reviews=[first, said()])) == []
    assert lacking(document(reviews=[first, [*said(), later("ben-light", "CHANGES_REQUESTED")]])) != []
    assert lacking(document(reviews=[first, first, []])) != []
