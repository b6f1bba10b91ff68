"""The gate on Northlight's change of the trace schema: whole, with parts missing, and with nothing to approve."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from fixtures.deployment import commit, head, pull_request, review, write
from fixtures.release import git as run
from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.suites.deployment.schema_change import reviews, signed
from pytest_promotion.suites.deployment.schema_change.changes import Commit
from pytest_promotion.trust import signers
from tests.trust.firm import found_firm

GATE = "schema_change_approval"
REVIEWS = "reports/reviews/latest.json"


def reviewed(folder, **changes):
    write(folder / REVIEWS, pull_request(folder, datetime.now(UTC)) | changes)


@pytest.fixture
def judged(pytester, monkeypatch):
    """`judged(folder)`: the gate by itself, its check in the decision."""

    def judge(folder, policy=""):
        if policy:
            (folder / "promotion.yaml").write_text(policy)
        monkeypatch.chdir(folder)
        words = ("gates", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", f"--promotion-set=required={GATE}")
        done = pytester.runpytest_inprocess(*words)
        [check] = json.loads((folder / "reports/promotion_gates/latest.json").read_bytes())["checks"]
        assert (done.ret == 0) == (check["outcome"] == "PASS"), done.stdout
        return check

    return judge


def policy_of(folder, **thresholds):
    """The policy with other thresholds of the gate, as text."""
    text = (folder / "promotion.yaml").read_text()
    for name, value in thresholds.items():
        text, found = re.subn(rf"^(      {name}:).*$", rf"\1 {json.dumps(value)}", text, flags=re.MULTILINE)
        assert found == 1, name
    return text


def test_a_change_with_all_that_belongs_to_it_goes_on(target, judged):
    """A gate that stops what is in order is taken off the roll-call."""
    reviewed(target)
    check = judged(target)
    assert (check["outcome"], check["reason"]) == (
        "PASS",
        f"1 files of the trace schema change, with all that belongs to it, approved on {head(target)[:12]}",
    )
    assert {"traces/golden.json", "migrations/versions/002_notes.py", REVIEWS} <= set(check["evidence_paths"])


def test_a_change_of_something_else_needs_nobody(target, judged):
    """Who is asked for three approvals of a typing error stops reading what he approves."""
    run(target, "checkout", "-q", "origin/main", "--", "schemas", "traces", "migrations", "docs")
    commit(target, "no change of the schema")
    check = judged(target)
    assert check["outcome"] == "PASS"
    assert re.search(r"no file of the trace schema among the \d+ that 2 commits change", check["reason"])


def test_everything_that_is_missing_is_named_at_once(target, judged):
    """Five runs for five missing parts are five days."""
    run(target, "checkout", "-q", "origin/main", "--", "traces/golden.json")
    run(target, "rm", "-q", "migrations/versions/002_notes.py", "docs/slo/002-notes.md", "traces/awkward.trace.json")
    commit(target, "the schema and nothing else")
    reviewed(target, reviews=[[]])
    check = judged(target)
    assert check["outcome"] == "FAIL"
    for part in (
        "schemas/trace.json changes",
        "no golden trace is new",
        "no notes on the objectives",
        "no approval on",
        "by backend, product-owner, qa",
        "no new revision of Alembic",
    ):
        assert part in check["reason"]


def _deleted(folder):
    (folder / "schemas/trace.json").unlink()


def _renamed(folder):
    (folder / "schemas/trace.json").rename(folder / "schemas/run.json")


def _spaces(folder):
    run(folder, "rm", "-q", "docs/slo/002-notes.md")
    path = folder / "docs/slo/objectives.md"
    path.write_text(path.read_text() + "\n \n")


def _empty_notes(folder):
    (folder / "docs/slo/002-notes.md").write_text("# Notes\n\n## What changes\n\n## Objectives\n\n## Going back\n")


def _same_golden(folder):
    run(folder, "checkout", "-q", "origin/main", "--", "traces/golden.json")
    path = folder / "traces/golden.json"
    path.write_text(path.read_text() + "\n")


def _wrong_golden(folder):
    path = folder / "traces/completed.trace.json"
    path.write_text(path.read_text().replace("101.5", "101.75"))


def _irreversible(folder):
    path = folder / "migrations/versions/002_notes.py"
    path.write_text(path.read_text().partition("def downgrade")[0] + "def downgrade() -> None:\n    pass\n")


def _second_head(folder):
    path = folder / "migrations/versions/002_notes.py"
    path.with_name("002_other.py").write_text(path.read_text().replace('"002"', '"002b"'))


def _rewritten(folder):
    path = folder / "migrations/versions/001_traces.py"
    path.write_text(path.read_text().replace("16", "32"))


@pytest.mark.parametrize(
    "spoiled",
    [
        {
            _deleted: "schemas/trace.json changes: ",
            _wrong_golden: "completed.trace.json does not have its root hash",
            _empty_notes: "002-notes.md says nothing of What changes, Objectives, Going back",
            _second_head: "2 heads, expected one: 002, 002b",
        },
        {
            _renamed: " changes: ",
            _same_golden: "no golden trace is new or another than before",
            _spaces: "docs/slo/objectives.md says what it said",
            _irreversible: "downgrade of migrations/versions/002_notes.py does nothing",
            _rewritten: "001_traces.py, which databases may have run",
        },
    ],
    ids=["deleted", "renamed"],
)
def test_a_part_that_is_only_there_by_name_is_missing(target, judged, spoiled):
    """Each is what a hurried author would commit to make the gate green, and each has to be named."""
    for spoil in spoiled:
        spoil(target)
    commit(target, "in a hurry")
    reviewed(target)
    check = judged(target)
    assert check["outcome"] == "FAIL"
    assert [said for said in spoiled.values() if said not in check["reason"]] == [], check["reason"]


def _stale(folder):
    write(folder / REVIEWS, pull_request(folder, datetime.now(UTC) - timedelta(hours=2)))


def _of_an_older_head(folder):
    reviewed(folder)
    commit(folder, "one more")


def _of_another_repository(folder):
    said = pull_request(folder, datetime.now(UTC))
    said["pull"]["base"]["repo"]["full_name"] = "somebody/northlight"
    write(folder / REVIEWS, said)


def _uncommitted_golden(folder):
    reviewed(folder)
    (folder / "traces/golden.json").write_text((folder / "traces/golden.json").read_text() + "\n")


def _uncommitted_note(folder):
    reviewed(folder)
    (folder / "docs/slo/002-notes.md").write_text((folder / "docs/slo/002-notes.md").read_text() + "More.\n")


def _no_repository(folder):
    reviewed(folder)
    (folder / ".git").rename(folder / "git")


def _same_as_the_base(folder):
    reviewed(folder)
    run(folder, "update-ref", "refs/remotes/origin/main", "HEAD")


def _no_reviews(folder):
    """Nobody wrote them down."""


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_stale, "old"),
        (_of_an_older_head, "the reviews are of"),
        (_of_another_repository, "is of somebody/northlight"),
        (_uncommitted_golden, "golden.json is not what is committed"),
        (_uncommitted_note, "002-notes.md is not what is committed"),
        (_no_repository, "git ended with exit code 128"),
        (_same_as_the_base, "nothing is proposed"),
        (_no_reviews, "latest.json is missing"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_judged_is_not_approved(target, judged, spoil, said):
    """Old reviews, another head and files that nobody committed are no evidence of this change."""
    spoil(target)
    check = judged(target)
    assert check["outcome"] in ("INCONCLUSIVE", "FAIL")
    assert said in check["reason"], check["reason"]


def test_reviews_by_the_author_are_named(target, judged):
    """The reason has to say why the approval that everybody sees does not count."""
    reviewed(
        target,
        reviews=[[review(one, head(target), datetime.now(UTC)) for one in ("Ada-North", "cleo-quay", "dora-lane")]],
    )
    check = judged(target)
    assert "by backend (ada-north wrote some of it)" in check["reason"]


@pytest.mark.parametrize(
    "changed",
    [{"signatures": REVIEWS}, {"reviews": None}, {"min_backend": 0, "min_qa": 0, "min_product_owner": 0}],
    ids=["both", "neither", "nobody"],
)
def test_a_policy_that_asks_nobody_approves_nothing(target, judged, changed):
    """An empty list of those to be asked is a slip of the pen, not a decision."""
    reviewed(target)
    assert judged(target, policy=policy_of(target, **changed))["outcome"] == "INCONCLUSIVE"


# --- by signature ---


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    """People with keys: ana and cleo of the backend, ben of QA, pat who owns the product."""
    return found_firm(tmp_path_factory.mktemp("firm"))


def approve(firm, folder, name):
    return CliRunner().invoke(main, ["schema-change", "approve", f"--root={folder}", *firm.flags(name), "--json"])


def test_signatures_count_where_the_policy_says_so(target, judged, firm):
    """Not every project is on GitHub, and not everybody who approves is."""
    text = policy_of(target, reviews=None, signatures="reports/reviews/signatures.json")
    (target / "signers.yaml").write_text(firm.signers())
    for name in ("cleo", "ben", "pat"):
        done = approve(firm, target, name)
        assert (done.exit_code, json.loads(done.stdout)["head"]) == (0, head(target)), done.stderr
    assert judged(target, policy=text + "\nsigners: signers.yaml\n")["outcome"] == "PASS"
    assert approve(firm, target, "pat").exit_code == 3  # once is enough


WANTED = {"backend": 1, "qa": 1, "product-owner": 1}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OURS = signed.matter_of("a" * 40, "b" * 40)


def lacking(firm, given, commits=(), matter=OURS):
    people = signers.read(firm.signers().encode(), "signers.yaml")
    return signed.lacking(given, matter, people, WANTED, NOW, commits)


def test_what_was_signed_is_two_commits_and_nothing_else(firm):
    """A signature under another base approves another difference."""
    given = firm.approve(OURS, "cleo", "ben", "pat")
    assert lacking(firm, given) == []
    assert lacking(firm, given, matter=signed.matter_of("c" * 40, "b" * 40)) != []
    assert lacking(firm, given, matter=signed.matter_of("a" * 40, "c" * 40)) != []


@pytest.mark.parametrize(
    ("names", "commits", "said"),
    [
        (("cleo", "ben"), (), "lacks the approval of product-owner"),
        (("cleo", "ben", "pat", "eve"), (), "'eve' is nobody who may sign"),
        (("cleo", "cleo", "ben", "pat"), (), "approved it twice"),
        (("cleo", "ben", "pat"), (Commit("d" * 40, ("Cleo", "c@x")),), "may not approve what he asked for"),
        (("cleo", "ben", "pat"), (Commit("d" * 40, ("x", "x@x", "y", "PAT")),), "may not approve what he asked for"),
    ],
    ids=["too few", "stranger", "twice", "author", "committer"],
)
def test_signatures_of_the_wrong_people_do_not_count(firm, names, commits, said):
    """Whoever has a key is not yet somebody who was asked."""
    [why] = lacking(firm, firm.approve(OURS, *names), commits)
    assert said in why


@pytest.mark.parametrize(
    "text", ["", "[]", "version: 1\napprovals: [{by: 7}]\n", "version: 2\napprovals: []\n"], ids=range(4)
)
def test_a_file_of_approvals_that_is_none_is_refused(text):
    """A list that cannot be read has nobody in it who asks for changes."""
    with pytest.raises(Unproven):
        signed.read(text.encode(), "signatures.yaml")


# --- what GitHub answers ---


@pytest.fixture
def github(httpserver):
    """`github(pull, commits, reviews)`: a server that answers as GitHub does."""

    def serve(pull, commits, said):
        place = "/repos/northlight/northlight/pulls/12"
        httpserver.expect_request(place).respond_with_json(pull)
        for part, items in (("commits", commits), ("reviews", said)):
            for page in range(1, len(items) // 100 + 2):
                asked = {"per_page": "100", "page": str(page)}
                httpserver.expect_request(f"{place}/{part}", query_string=asked).respond_with_json(
                    items[(page - 1) * 100 : page * 100]
                )
        return f"--api={httpserver.url_for('/').rstrip('/')}"

    return serve


def fetched(target, api):
    words = ["schema-change", "reviews", "northlight/northlight", "12", f"--out={target / REVIEWS}", api, "--json"]
    return CliRunner().invoke(main, words)


def test_what_github_says_is_written_down_whole(target, github):
    """The request for changes stands on the second page."""
    said = pull_request(target, datetime.now(UTC))
    more = [review("somebody", head(target), datetime.now(UTC), "COMMENTED")] * 97 + said["reviews"][0]
    done = fetched(target, github(said["pull"], said["commits"][0], more))
    assert (done.exit_code, json.loads(done.stdout)["head"]) == (0, head(target)), done.stderr
    pull = reviews.read(parse_json((target / REVIEWS).read_bytes(), REVIEWS), REVIEWS)
    assert {one.by for one in pull.reviews} == {"ben-light", "cleo-quay", "dora-lane"}


def test_commits_that_github_leaves_out_are_missed(target, github):
    """Of a long pull request it names 250 commits, and the authors of the others are nobody's."""
    said = pull_request(target, datetime.now(UTC))
    done = fetched(target, github(said["pull"] | {"commits": 251}, said["commits"][0], said["reviews"][0]))
    assert (done.exit_code, "has 1 of the 251 commits" in done.stderr) == (3, True), done.stderr
    assert not (target / REVIEWS).exists()
