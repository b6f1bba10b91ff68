"""Branch protection, asked of a server that speaks GitHub's documented answers: what is not there is not enforced."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from werkzeug import Response

from pytest_promotion.cli import main
from pytest_promotion.suites.deployment.protection.applying import body
from pytest_promotion.suites.deployment.protection.enforced import enforced, gaps
from pytest_promotion.suites.deployment.protection.wanted import Wanted

SHA = "ab" * 20
POLICY = """version: 1
branches:
  main: {checks: [unit, e2e], apps: {e2e: 15368}, approvals: 2, code_owners: true}
"""
WANTED = Wanted(checks=["unit", "e2e"], apps={"e2e": 15368}, approvals=2, code_owners=True)


def classic(**changes):
    """Classic protection as GitHub answers with it, enforcing all of POLICY."""
    return {
        "url": "https://api.github.com/repos/octo/shop/branches/main/protection",
        "required_status_checks": {
            "strict": True,
            "contexts": ["unit", "e2e"],
            "checks": [{"context": "unit", "app_id": None}, {"context": "e2e", "app_id": 15368}],
        },
        "required_pull_request_reviews": {
            "required_approving_review_count": 2,
            "require_code_owner_reviews": True,
            "dismiss_stale_reviews": True,
        },
        "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
    } | changes


RULES = [
    {
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": True,
            "required_status_checks": [{"context": "unit"}, {"context": "e2e", "integration_id": 15368}],
        },
    },
    {
        "type": "pull_request",
        "parameters": {
            "required_approving_review_count": 2,
            "require_code_owner_review": True,
            "dismiss_stale_reviews_on_push": True,
        },
    },
    {"type": "non_fast_forward"},
    {"type": "deletion"},
]
RULES = [rule | {"ruleset_id": 7, "ruleset_source": "octo/shop"} for rule in RULES]


class GitHub:
    """The part of GitHub that is asked, as its reference describes it."""

    def __init__(self, server):
        self.protection, self.rules, self.runs, self.statuses = None, [], [], []
        self.put, self.tokens, self.broken = [], set(), 0
        self.ruleset = {"id": 7, "name": "main is kept", "bypass_actors": []}
        self.elsewhere, self.own = "", None
        server.expect_request(re.compile("/.*")).respond_with_handler(self.answer)
        self.url = server.url_for("/").rstrip("/")

    def answer(self, request):
        self.tokens.add(request.headers.get("Authorization"))
        place = request.path.removeprefix("/repos/octo/shop")
        if self.elsewhere:
            return Response("", 301, headers={"Location": f"{self.elsewhere}{request.path}"})
        if place == "/rulesets/7":
            return self.said(self.ruleset)
        if place.startswith("/rulesets"):
            return self.of_rulesets(place, request)
        if self.broken:
            return self.said({"message": "Server Error"}, self.broken)
        if place == request.path or (place.startswith("/branches/") and not place.startswith("/branches/main")):
            return self.said({"message": "Not Found"}, 404)
        if place == "/branches/main":
            return self.said({"name": "main", "protected": self.protection is not None})
        if place == "/branches/main/protection" and request.method == "PUT":
            self.put.append(request.get_json())
            self.protection = self.stored(request.get_json())
            return self.said(self.protection)
        if place == "/branches/main/protection":
            return (
                self.said(self.protection) if self.protection else self.said({"message": "Branch not protected"}, 404)
            )
        many = {"/rules/branches/main": self.rules, f"/commits/{SHA}/statuses": self.statuses}
        first = (int(request.args["page"]) - 1) * int(request.args["per_page"])
        if place in many:
            return self.said(many[place][first : first + int(request.args["per_page"])])
        if place == f"/commits/{SHA}/check-runs":
            page = self.runs[first : first + int(request.args["per_page"])]
            return self.said({"total_count": len(self.runs), "check_runs": page})
        return self.said({"message": "Not Found"}, 404)

    def of_rulesets(self, place, request):
        """A list with neither rules nor who may bypass; what is put comes back with numbers and links."""
        if request.method in ("POST", "PUT"):
            self.put.append(request.get_json())
            self.own = request.get_json() | {"id": 8, "source_type": "Repository", "_links": {}, "node_id": "x"}
            self.rules = [rule | {"ruleset_id": 8} for rule in self.own["rules"]] + RULES
            return self.said(self.own)
        if place == "/rulesets":
            listed = [self.ruleset] + ([self.own] if self.own else [])
            return self.said([{"id": one["id"], "name": one["name"]} for one in listed])
        return self.said(self.own)

    @staticmethod
    def stored(asked):
        """What is put is not what is got: flags become objects, and checks get their contexts."""
        flags = ("enforce_admins", "allow_force_pushes", "allow_deletions", "required_linear_history")
        found = {name: {"enabled": asked.get(name) is True} for name in flags}
        checks = asked["required_status_checks"]
        found["required_status_checks"] = checks | {"contexts": [one["context"] for one in checks["checks"]]}
        found["required_pull_request_reviews"] = asked["required_pull_request_reviews"]
        if asked["restrictions"] is not None:
            teams = [{"slug": slug} for slug in asked["restrictions"]["teams"]]
            found["restrictions"] = {"users": [], "teams": teams, "apps": []}
        return found

    @staticmethod
    def said(document, status=200):
        return Response(json.dumps(document), status, content_type="application/json")


@pytest.fixture
def github(httpserver):
    return GitHub(httpserver)


@pytest.fixture
def ask(github, tmp_path, monkeypatch):
    """`promotion protection …` against that server."""
    monkeypatch.setenv("GITHUB_TOKEN", "token-of-the-test")
    (tmp_path / "protection.yaml").write_text(POLICY)

    def run(verb, *words, repository="octo/shop", policy=tmp_path / "protection.yaml"):
        return CliRunner().invoke(
            main, ["protection", verb, repository, "--policy", str(policy), "--api", github.url, *words]
        )

    return run


@pytest.mark.parametrize(("protection", "rules"), [(classic(), []), (classic(), RULES)], ids=["classic", "both"])
def test_what_is_enforced_is_said_to_be(github, ask, protection, rules):
    """A check that never says yes is switched off."""
    github.protection, github.rules = protection, rules
    done = ask("check")
    assert (done.exit_code, done.stdout) == (0, "main: enforced\n"), done.output
    assert github.tokens == {"token token-of-the-test"}


def test_rulesets_alone_enforce_all_of_it(github, ask):
    """A repository that has moved to rulesets has no classic protection, and could never pass."""
    github.rules = RULES
    done = ask("check")
    assert (done.exit_code, done.stdout) == (0, "main: enforced\n")


@pytest.mark.parametrize(
    ("ruleset", "said"),
    [
        ({"bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]}, "by RepositoryRole"),
        ({"bypass_actors": [{"actor_id": None, "actor_type": "OrganizationAdmin"}]}, "by OrganizationAdmin"),
        ({}, "does not show by whom"),
        ({"bypass_actors": None}, "does not show by whom"),
    ],
    ids=["a role", "owners", "not shown", "null"],
)  # fmt: skip
def test_a_ruleset_that_may_be_bypassed_holds_nobody_who_may(github, ask, ruleset, said):
    """Administrators are on the list of most rulesets; what is not shown is not assumed."""
    github.rules, github.ruleset = RULES, {"id": 7, "name": "main is kept", **ruleset}
    done = ask("check", "--json")
    [missing] = json.loads(done.stdout)["branches"]["main"]
    assert done.exit_code == 2
    assert missing.startswith("the rules do not hold for administrators (the ruleset 'main is kept'")
    assert said in missing
    assert "the check 'unit' is not required" in missing
    github.protection = classic()  # which holds for everybody
    assert ask("check").exit_code == 0


def test_a_server_that_sends_elsewhere_is_not_followed(github, ask):
    """A token would be handed to whatever host a redirect names."""
    github.elsewhere = "http://other.example"
    done = ask("check")
    assert (done.exit_code, "to another host" in done.stderr, "Traceback" in done.output) == (3, True, False)


@pytest.mark.parametrize(
    ("protection", "said"),
    [
        (None, "the check 'unit' is not required"),
        ({key: value for key, value in classic().items() if key != "required_status_checks"}, "the check 'e2e' is not required"),
        (classic(required_status_checks={"strict": False, "contexts": ["unit", "e2e"]}), "a branch that is behind may be merged"),
        (classic(required_status_checks={"strict": True, "contexts": ["unit", "e2e"]}), "may be reported by anybody"),
        (
            classic(required_status_checks={"strict": True, "checks": [{"context": "unit", "app_id": -1}, {"context": "e2e", "app_id": 7}]}),
            "may be reported by the app 7",
        ),
        ({key: value for key, value in classic().items() if key != "required_pull_request_reviews"}, "0 approvals are required, not 2"),
        (classic(required_pull_request_reviews={"required_approving_review_count": 1}), "1 approvals are required, not 2"),
        (classic(required_pull_request_reviews={"required_approving_review_count": 2}), "an approval holds for what is pushed"),
        (classic(enforce_admins={"enabled": False}), "do not hold for administrators"),
        (classic(allow_force_pushes={"enabled": True}), "forced push"),
        (classic(allow_deletions={"enabled": True}), "may be deleted"),
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_absent_is_not_enforced(github, ask, protection, said):
    """A key that is missing from the answer is how GitHub says that something is off."""
    github.protection = protection
    done = ask("check")
    assert done.exit_code == 2
    assert said in done.stdout


@pytest.mark.parametrize(
    "protection",
    [
        classic(required_status_checks=["unit"]),
        classic(required_status_checks={"contexts": "unit"}),
        classic(required_status_checks={"checks": [{"app_id": 1}]}),
        classic(required_status_checks={"checks": ["unit"]}),
        classic(required_pull_request_reviews={"required_approving_review_count": "2"}),
        ["protected"],
    ],
    ids=range(6),
)
def test_an_answer_of_another_form_is_no_answer(github, ask, protection):
    """What is read from an answer that nobody documented is what its reader hoped for."""
    github.protection = protection
    done = ask("check")
    assert done.exit_code == 3, done.output
    assert "Traceback" not in done.output


def test_a_ruleset_closes_what_classic_protection_leaves_open(github, ask):
    """Both hold at once, and the stricter one decides."""
    github.protection = classic(allow_force_pushes={"enabled": True}, required_pull_request_reviews=None)
    github.rules = RULES
    assert ask("check").exit_code == 0


@pytest.mark.parametrize("words", [{"repository": "octo/gone"}, {"repository": "other/shop"}], ids=str)
def test_what_github_does_not_know_is_no_answer(github, ask, words):
    """A 404 for want of a right looks like a 404 for want of protection."""
    github.protection = classic()
    done = ask("check", **words)
    assert (done.exit_code, "404" in done.stderr) == (3, True)


def test_a_branch_that_is_not_there_is_no_answer(github, ask, tmp_path):
    """A policy for a branch of another name protects nothing."""
    path = tmp_path / "other.yaml"
    path.write_text(POLICY.replace("main", "trunk"))
    assert ask("check", policy=path).exit_code == 3


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_server_that_refuses_is_no_answer(github, ask, status):
    """An expired token must not look like an open branch, nor like a protected one."""
    github.broken = status
    done = ask("check")
    assert (done.exit_code, str(status) in done.stderr) == (3, True)
    assert "token-of-the-test" not in done.output


def test_a_server_that_is_not_there_is_no_answer(ask, tmp_path):
    """What cannot be asked has not said yes."""
    policy = tmp_path / "protection.yaml"
    words = ["protection", "check", "octo/shop", "--policy", str(policy), "--api", "http://127.0.0.1:9"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 3, done.output
    assert "Traceback" not in done.output


def run_of(name, conclusion="success", app=15368, **more):
    return {"name": name, "head_sha": SHA, "status": "completed", "conclusion": conclusion, "app": {"id": app}} | more


@pytest.mark.parametrize(
    ("runs", "statuses", "said"),
    [
        ([run_of("unit"), run_of("e2e")], [], ""),
        ([run_of("e2e")], [{"context": "unit", "state": "success"}], ""),
        ([run_of("e2e")], [{"context": "unit", "state": "pending"}, {"context": "unit", "state": "success"}], "'unit' is pending"),
        ([run_of("e2e")], [], "'unit' did not run"),
        ([run_of("unit", "skipped"), run_of("e2e")], [], "'unit' ended skipped"),
        ([run_of("unit", "neutral"), run_of("e2e")], [], "'unit' ended neutral"),
        ([run_of("unit", "cancelled"), run_of("e2e")], [], "'unit' ended cancelled"),
        ([run_of("unit", None, status="in_progress"), run_of("e2e")], [], "'unit' is in_progress"),
        ([run_of("unit"), run_of("e2e", app=1)], [], "'e2e' did not run by the app 15368"),
        ([run_of("unit")], [{"context": "e2e", "state": "success"}], "'e2e' did not run by the app 15368"),
        ([run_of("unit", head_sha="cd" * 20), run_of("e2e")], [], "'unit' did not run"),
        ([*(run_of(f"other {n}") for n in range(150)), run_of("unit"), run_of("e2e", "failure")], [], "'e2e' ended failure"),
        ([run_of("unit"), run_of("e2e")], [{"context": "unit", "state": "failure"}], "'unit' is failure, as a commit status"),
        ([run_of("unit"), run_of("e2e")], [{"context": "e2e", "state": "error"}], "'e2e' is error, as a commit status"),
        ([run_of("unit"), run_of("e2e")], [{"context": "unit", "state": "success"}, {"context": "unit", "state": "failure"}], ""),
    ],
    ids=range(15),
)  # fmt: skip
def test_a_commit_needs_every_check_ended_in_success(github, ask, runs, statuses, said):
    """GitHub takes a check that was skipped for one that passed; and a page has thirty of them."""
    github.protection, github.runs, github.statuses = classic(), runs, statuses
    done = ask("check", "--commit", SHA)
    assert (done.exit_code, said in done.stdout) == (2 if said else 0, True), done.output


def test_apply_shows_the_difference_first_and_does_it_on_request(github, ask):
    """Who changes the protection of a branch must have seen what changes."""
    shown = ask("apply")
    assert (shown.exit_code, github.put) == (2, [])
    assert '"context": "unit"' in shown.stdout
    assert "nothing was changed" in shown.stderr
    done = ask("apply", "--yes")
    assert (done.exit_code, len(github.put)) == (0, 1), done.output
    assert ask("check").exit_code == 0
    again = ask("apply", "--yes", "--json")
    assert (again.exit_code, len(github.put)) == (0, 1)
    assert json.loads(again.stdout)["main"] == {
        "difference": "", "applied": False, "stricter_than_policy": [], "not_enforced": [],
    }  # fmt: skip


def test_apply_loosens_nothing(github, ask):
    """GitHub replaces all of it: what is not repeated is gone."""
    github.protection = classic(
        required_status_checks={"strict": True, "contexts": ["lint"], "checks": [{"context": "lint", "app_id": 9}]},
        required_pull_request_reviews={"required_approving_review_count": 4},
        restrictions={"users": [], "teams": [{"slug": "release"}], "apps": []},
        required_linear_history={"enabled": True},
    )
    assert ask("apply", "--yes").exit_code == 0
    [put] = github.put
    assert put["required_status_checks"]["checks"] == [
        {"context": "e2e", "app_id": 15368}, {"context": "lint", "app_id": 9}, {"context": "unit"},
    ]  # fmt: skip
    assert put["required_pull_request_reviews"]["required_approving_review_count"] == 4
    assert (put["restrictions"]["teams"], put["required_linear_history"]) == (["release"], True)


WHOLE = classic(
    required_pull_request_reviews={
        "url": "https://api.github.com/…",
        "required_approving_review_count": 1,
        "require_code_owner_reviews": False,
        "dismiss_stale_reviews": False,
        "require_last_push_approval": True,
        "dismissal_restrictions": {"url": "…", "users": [{"login": "ines", "id": 1}], "teams": [], "apps": []},
        "bypass_pull_request_allowances": {"users": [], "teams": [{"slug": "release", "id": 2}], "apps": []},
    },
    required_signatures={"url": "…", "enabled": True},
    allow_fork_syncing={"enabled": True},
    lock_branch={"enabled": False},
    required_conversation_resolution={"enabled": True},
    restrictions={"url": "…", "users": [{"login": "tomas"}], "teams": [], "apps": [{"slug": "bot"}]},
)


def test_everything_that_github_answered_is_sent_back(github, ask):
    """What a replacement does not repeat is switched off, and the difference that was printed did not show it."""
    github.protection = WHOLE
    shown = ask("apply").stdout
    assert ask("apply", "--yes").exit_code == 0
    [put] = github.put
    assert put == {
        "required_status_checks": {
            "strict": True, "checks": [{"context": "e2e", "app_id": 15368}, {"context": "unit"}],
        },
        "enforce_admins": True,
        "required_pull_request_reviews": {
            "required_approving_review_count": 2,
            "require_code_owner_reviews": True,
            "dismiss_stale_reviews": True,
            "require_last_push_approval": True,
            "dismissal_restrictions": {"users": ["ines"], "teams": [], "apps": []},
            "bypass_pull_request_allowances": {"users": [], "teams": ["release"], "apps": []},
        },
        "restrictions": {"users": ["tomas"], "teams": [], "apps": ["bot"]},
        "allow_force_pushes": False,
        "allow_deletions": False,
        "allow_fork_syncing": True,
        "lock_branch": False,
        "required_conversation_resolution": True,
    }  # fmt: skip
    changed = {
        line.strip(' +,"') for line in shown.splitlines() if line.startswith("+") and "as it would be" not in line
    }
    assert changed == {
        'dismiss_stale_reviews": true', 'require_code_owner_reviews": true', 'required_approving_review_count": 2',
    }  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        classic(required_deployments={"environments": ["prod"]}),
        classic(required_pull_request_reviews={"required_approving_review_count": 2, "required_reviewers": []}),
        classic(required_status_checks={"strict": True, "contexts": [], "grace": 1}),
        classic(restrictions={"users": [], "teams": [], "apps": [], "roles": []}),
        classic(restrictions={"users": [{"id": 1}]}),
        classic(lock_branch="no"),
    ],
    ids=range(6),
)
def test_what_is_not_known_is_not_replaced(github, ask, answer):
    """GitHub grows new rules, and a replacement by an old program would drop them."""
    github.protection = answer
    done = ask("apply", "--yes")
    assert (done.exit_code, github.put) == (3, []), done.output


def test_only_weaken_lowers_what_is_stricter(github, ask, tmp_path):
    """A policy that was written from memory asks for less than what is in force."""
    policy = tmp_path / "less.yaml"
    policy.write_text("version: 1\nbranches: {main: {checks: [unit], apps: {unit: 3}, approvals: 1, admins: false}}\n")
    github.protection = classic()
    kept = ask("apply", "--yes", policy=policy)
    assert "the rules hold for administrators, and the policy does not ask for it: stays" in kept.stdout
    [put] = github.put
    assert put["required_pull_request_reviews"]["required_approving_review_count"] == 2
    assert put["enforce_admins"] is True
    assert "e2e" in json.dumps(put["required_status_checks"])
    lowered = ask("apply", "--yes", "--weaken", policy=policy)
    assert "2 approvals are required, and the policy asks for 1: is lowered" in lowered.stdout
    put = github.put[-1]
    assert put["required_status_checks"]["checks"] == [{"context": "unit", "app_id": 3}]
    assert (put["required_pull_request_reviews"]["required_approving_review_count"], put["enforce_admins"]) == (
        1,
        False,
    )


def test_the_app_of_a_check_is_not_changed_in_passing(github, ask):
    """Another app may be one that anybody can start."""
    github.protection = classic(
        required_status_checks={"strict": True, "checks": [{"context": "unit"}, {"context": "e2e", "app_id": 9}]}
    )
    done = ask("apply", "--yes")
    assert (done.exit_code, "tied to the app 9, and the policy ties it to the app 15368: stays" in done.stdout) == (
        2,
        True,
    )
    assert ask("apply", "--yes", "--weaken").exit_code == 0


def test_a_branch_with_rulesets_gets_a_ruleset(github, ask, tmp_path):
    """Classic protection beside rulesets is a second place to look, which nobody there looks at."""
    github.rules = RULES[2:]
    shown = ask("apply")
    assert (shown.exit_code, github.put) == (2, [])
    assert '"name": "promotion: main"' in shown.stdout
    assert ask("apply", "--yes").exit_code == 0, ask("check").output
    [put] = github.put
    assert (put["bypass_actors"], put["conditions"]["ref_name"]["include"]) == ([], ["refs/heads/main"])
    assert ask("check").exit_code == 0
    again = ask("apply", "--yes")
    assert (again.exit_code, again.stdout, len(github.put)) == (0, "enforced\n", 1)
    # What was added by hand stays, and so does what is stricter.
    github.own["rules"][2]["parameters"].update(require_last_push_approval=True, required_approving_review_count=4)
    github.own["rules"].append({"type": "required_linear_history"})
    assert ask("apply", "--yes").exit_code == 0
    rules = {rule["type"]: rule.get("parameters") for rule in github.put[-1]["rules"]}
    assert "required_linear_history" in rules
    assert rules["pull_request"]["require_last_push_approval"] is True
    assert rules["pull_request"]["required_approving_review_count"] == 4
    assert "4 approvals are required, and the policy asks for 2: stays" in ask("apply").stdout
    assert ask("apply", "--yes", "--weaken").exit_code == 0
    rules = {rule["type"]: rule.get("parameters") for rule in github.put[-1]["rules"]}
    assert rules["pull_request"]["required_approving_review_count"] == 2


def test_applying_leads_to_what_was_wanted():
    """A body that GitHub takes and that enforces something else is worse than none."""
    put = body(WANTED, None)
    assert gaps(WANTED, enforced(GitHub.stored(put), [])) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: 1\nbranches: {}",
        "version: 1\nbranches: {main: {checks: []}}",
        "version: 1\nbranches: {main: {checks: ['']}}",
        "version: 1\nbranches: {main: {checks: [a, a]}}",
        "version: 1\nbranches: {main: {checks: [a], apps: {b: 1}}}",
        "version: 1\nbranches: {main: {checks: [a], approvals: 7}}",
        "version: 1\nbranches: {main: {checks: [a], aprovals: 1}}",
        "version: 2\nbranches: {main: {checks: [a]}}",
    ],
    ids=range(9),
)
def test_a_policy_that_demands_nothing_is_refused(ask, tmp_path, text):
    """A misspelt rule is not a rule."""
    path = tmp_path / "other.yaml"
    path.write_text(text)
    assert ask("check", policy=path).exit_code == 4


def test_wrong_words_are_wrong_usage(ask, tmp_path):
    """A typo must not be an answer about a branch."""
    assert ask("check", "--branch", "man").exit_code == 4
    assert ask("check", repository="shop").exit_code == 4
    assert ask("check", policy=tmp_path / "gone.yaml").exit_code == 4
