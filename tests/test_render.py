"""The decision as SARIF, CTRF and for GitHub: by their schemas, inside their limits, whatever gates say."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_promotion.model import Absence, Outcome
from pytest_promotion.reporting import github
from pytest_promotion.reporting.ctrf import ctrf
from pytest_promotion.reporting.locations import HERE, Places
from pytest_promotion.reporting.markdown import markdown
from pytest_promotion.reporting.sarif import RESULTS, sarif
from tests.decisions import decided, gate, seen

SCHEMAS = Path(__file__).parent / "schemas"
# What workflow commands, Markdown, HTML and SARIF's own messages would act on.
HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "\n::error::owned",
        "\r\n::set-output name=x::y",
        "%0A::stop-commands::t",
        "::add-mask::*",
        "x,line=1::y",
        "</td><script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![i](https://x/y.png)",
        "| a | b |\n|---|---|",
        "## All checks\n- **fake** PASS",
        "`x` <img src=x onerror=y>",
        "\u2028::error::x",
        "\x85::error::x",
        "{0}",
    ]
)


def schema(name):
    """A published schema; see tests/schemas/README.md."""
    found = json.loads((SCHEMAS / name).read_text())
    kind = jsonschema.validators.validator_for(found)
    kind.check_schema(found)
    return kind(found, format_checker=jsonschema.FormatChecker())


SARIF, CTRF = schema("sarif-2.1.0.json"), schema("ctrf-0.0.json")


def mixed(**more):
    """A decision in which each outcome stands once."""
    return decided(
        *(gate(outcome.value.lower(), outcome.value, owner="ops", fix="mend it") for outcome in Outcome),
        gate("slow", "FAIL", severity="warning"),
        gate("missing", "NOT_RUN", nodeid="", absent=Absence.NOT_COLLECTED),
        gate("seen", record=seen("data/a b.json")),
        **more,
    )


def hostile(draw):
    """A decision whose gates are called, and say, anything at all."""
    words = st.builds(
        lambda name, reason, owner, fix, severity, outcome: gate(
            name or "x",
            outcome.value,
            reason=reason,
            owner=owner,
            fix=fix,
            severity=severity,
            nodeid=f"gates/{reason}.py::{name}",
        ),
        *[HOSTILE] * 4,
        st.sampled_from(["critical", "warning"]),
        st.sampled_from(list(Outcome)),
    )
    results = draw(st.lists(words, min_size=1, max_size=14, unique_by=lambda one: one.gate.id))
    return decided(*results, problems=draw(st.lists(HOSTILE, max_size=2)))


HOSTILE_DECISIONS = st.composite(hostile)()


class TestSarif:
    """What code scanning reads."""

    def results(self, decision, places=HERE):
        log = sarif(decision, places)
        SARIF.validate(log)
        return {result["ruleId"]: result for result in log["runs"][0]["results"]}

    @pytest.mark.parametrize("decision", [mixed(), decided(gate("a")), decided(gate("a"), as_of=True)])
    def test_it_fits_the_published_schema(self, decision):
        """An upload that GitHub refuses is an upload nobody notices is missing."""
        SARIF.validate(sarif(decision))

    def test_a_pass_has_no_results(self):
        """An alert for each gate that passed buries the next one that did not."""
        assert self.results(decided(gate("a"))) == {}

    def test_everything_else_has_one(self):
        """A log without results closes every alert: nothing but a PASS may do that."""
        for decision in (
            decided(gate("a"), problems=["the disk was full"]),
            decided(gate("a"), as_of=True),
            decided(gate("a"), gate("b", "NOT_RUN", absent=Absence.DESELECTED)),
        ):
            found = self.results(decision)["promotion/decision"]
            assert (found["kind"], found["level"]) == ("fail", "error")

    def test_levels_follow_severity_whatever_the_outcome(self):
        """A gate that has not run blocks like one that failed, and a remark blocks nobody."""
        found = self.results(mixed())
        blocking = {"fail", "error", "not_run", "inconclusive", "missing"}
        assert {found[name]["level"] for name in blocking} == {"error"}
        assert found["slow"]["level"] == "warning"
        assert found["not_run"]["properties"]["outcome"] == "NOT_RUN"
        assert "pass" not in found

    def test_a_waived_gate_is_suppressed_and_not_gone(self):
        """A waiver that leaves no trace is a waiver nobody ends."""
        waived = mixed() | {"waivers": [{"gate": "waived", "reason": "the vendor mends it on Monday"}]}
        [accepted] = self.results(waived)["waived"]["suppressions"]
        assert accepted == {"kind": "external", "status": "accepted", "justification": "the vendor mends it on Monday"}
        others = {name: one for name, one in self.results(mixed()).items() if name != "waived"}
        assert others
        assert [name for name, one in others.items() if "suppressions" in one] == []

    def test_a_result_points_at_a_file_of_the_repository(self):
        """GitHub drops what points elsewhere."""
        found = self.results(mixed(), Places(gates="sub dir", root="sub dir/root"))
        [there] = found["fail"]["locations"]
        assert there["physicalLocation"] == {
            "artifactLocation": {"uri": "sub%20dir/gates/test_all.py"},
            "region": {"startLine": 7},
        }
        [asked] = found["missing"]["locations"]
        assert asked["physicalLocation"]["artifactLocation"]["uri"] == "sub%20dir/root/promotion.yaml"

    @pytest.mark.parametrize("nodeid", ["../outside/test_a.py::test_a", "/etc/passwd::test_a"])
    def test_a_gate_outside_of_the_repository_points_at_the_policy(self, nodeid):
        """A path that climbs out of the checkout names a file of the machine."""
        found = self.results(decided(gate("a", "FAIL", nodeid=nodeid)))
        assert "promotion.yaml" in json.dumps(found["a"]["locations"])

    def test_evidence_has_its_digest(self):
        """An artifact without its digest is a name."""
        [artifact] = sarif(mixed())["runs"][0]["artifacts"]
        assert artifact["location"]["uri"] == "data/a%20b.json"
        assert artifact["hashes"] == {"sha-256": "ab" * 32}

    def test_the_fingerprint_is_the_gates_own(self):
        """A fingerprint of the reason opens a new alert each time an age changes."""
        one, other = (self.results(decided(gate("a", "FAIL", reason=reason))) for reason in ("7 min", "8 min"))
        expected = hashlib.sha256(b"a").hexdigest()
        assert one["a"]["partialFingerprints"] == other["a"]["partialFingerprints"] == {"gateId/v1": expected}

    def test_what_github_would_drop_is_named(self):
        """The 5,001st result is dropped without a word, and it may be the critical one."""
        failing = [gate(f"w{number}", "FAIL", severity="warning") for number in range(RESULTS)]
        results = sarif(decided(*failing, gate("z", "FAIL")))["runs"][0]["results"]
        assert len(results) == RESULTS
        assert [one["ruleId"] for one in results[:2]] == ["promotion/decision", "z"]
        assert "2 more gates" in results[0]["message"]["text"]

    @settings(max_examples=60, deadline=None)
    @given(decision=HOSTILE_DECISIONS)
    def test_no_text_leaves_its_place(self, decision):
        """A reason that becomes a link, or a path that leaves the checkout, is an attack through the report."""
        log = sarif(decision)
        SARIF.validate(log)
        run = log["runs"][0]
        assert bool(run["results"]) >= (decision["status"] != "PASS")
        for rule in run["tool"]["driver"]["rules"]:
            assert len(rule.get("properties", {}).get("tags", [])) <= 20
        for result in run["results"]:
            assert not re.search(r"\]\(|[\r\n]", result["message"]["text"])
            for place in result.get("locations", []):
                assert not place["physicalLocation"]["artifactLocation"]["uri"].startswith(("/", "../"))


class TestCtrf:
    """What test dashboards read."""

    def found(self, decision):
        report = ctrf(decision)
        CTRF.validate(report)
        found = report["results"]["tests"]
        summary = report["results"]["summary"]
        for status in ("passed", "failed", "skipped", "pending", "other"):
            assert summary[status] == sum(test["status"] == status for test in found)
        assert summary["tests"] == len(found)
        return {test["name"]: test for test in found}

    def test_statuses_do_not_flatter(self):
        """A waived or skipped gate that counts as passed is one nobody looks at."""
        found = self.found(mixed())
        assert {
            name: found[name]["status"] for name in ("pass", "waived", "not_run", "inconclusive", "fail", "error")
        } == {
            "pass": "passed",
            "waived": "other",
            "not_run": "skipped",
            "inconclusive": "failed",
            "fail": "failed",
            "error": "failed",
        }
        assert found["waived"]["rawStatus"] == "WAIVED"

    @pytest.mark.parametrize(
        ("decision", "failed"),
        [
            (decided(gate("a")), 0),
            (decided(gate("a"), gate("b", "WAIVED")), 0),
            (decided(gate("a"), gate("b", "NOT_RUN")), 1),
            (decided(gate("a"), problems=["x"]), 1),
            (decided(gate("a"), as_of=True), 1),
            (decided(gate("a"), gate("b", "NOT_RUN", absent=Absence.NOT_ASKED)), 1),
        ],
        ids=["pass", "waived", "not-run", "problem", "replay", "partial"],
    )
    def test_nothing_failed_means_pass(self, decision, failed):
        """Readers of this format count what failed, and skipped is no failure to them."""
        assert sum(test["status"] == "failed" for test in self.found(decision).values()) == failed

    @settings(max_examples=60, deadline=None)
    @given(decision=HOSTILE_DECISIONS)
    def test_every_decision_fits_the_published_schema(self, decision):
        """A report that is refused is a red gate that no dashboard shows."""
        found = self.found(decision)
        assert any(test["status"] == "failed" for test in found.values()) or decision["status"] == "PASS"
        for check in decision["checks"]:
            assert (found[check["name"]]["status"] == "passed") == (check["outcome"] == "PASS")


class TestGithub:
    """What GitHub's runner reads."""

    def test_a_short_page_is_the_whole_page(self):
        """Two forms of one page differ one day."""
        assert github.summary(mixed()) == markdown(mixed())

    @pytest.mark.parametrize("limit", [4_000, 20_000, 100_000])
    def test_a_long_page_is_cut_in_sections(self, limit):
        """One byte too many, and GitHub drops all of it."""
        many = [gate(f"warn_{n}", "FAIL", severity="warning", reason="é" * 500) for n in range(400)]
        page = github.summary(decided(*many, gate("blocks", "FAIL", fix="mend it")), limit)
        assert limit / 2 < len(page.encode()) <= limit
        assert "**blocks** FAIL: blocks is not good\n  - Fix: mend it" in page
        shown = page.partition("## Warnings to review")[2].partition("## All checks")[0].count("- **warn_")
        assert f"**{400 - shown} more are not shown here.**" in page
        for heading in ("## Why not", "## Critical failures", "## All checks", "## Evidence"):
            assert heading in page

    def test_no_room_is_no_page(self):
        """Half a heading says nothing, and says it in green."""
        assert github.summary(decided(gate("a", "FAIL")), 50) == ""

    def test_one_endless_reason_does_not_hide_its_gate(self):
        """A gate that fails with a whole log would be the first to be cut."""
        page = github.summary(decided(gate("a", "FAIL", reason="x " * 10**6)))
        assert len(page.encode()) <= github.SUMMARY_BYTES
        assert "- **a** FAIL: x x" in page

    def test_annotations_stay_inside_their_number(self):
        """The eleventh is hidden without a word."""
        results = [gate(f"c{n}", "FAIL") for n in range(12)] + [
            gate(f"w{n}", "FAIL", severity="warning") for n in range(11)
        ]
        lines = list(github.commands(decided(*results)))
        assert [sum(line.startswith(f"::{kind} ") for line in lines) for kind in ("error", "warning")] == [10, 10]
        assert lines[0].startswith("::error title=Promotion%3A FAIL::")
        assert lines[9].endswith("::4 more gates are in the summary of the step and in the decision")

    def test_an_annotation_stands_at_the_line_of_its_gate(self):
        """An annotation without a place is shown above nothing."""
        [_, line] = github.commands(decided(gate("a", "FAIL", fix="mend it")), Places(gates="sub"))
        assert line == (
            "::error file=sub/gates/test_all.py,line=7,title=Promotion gate a::FAIL: a is not good Fix: mend it"
        )

    @pytest.mark.parametrize(
        ("said", "written"),
        [("100%0A::error::x", "100%250A::error::x"), ("a,b: 5%", "a,b: 5%25"), ("one\ntwo", "one\\ntwo")],
        ids=["encoded-line-end", "percent", "line-end"],
    )
    def test_what_the_runner_would_decode_is_text(self, said, written):
        """A line end that is written as its code is one again when the runner has read it."""
        [_, line] = github.commands(decided(gate("a", "FAIL", reason=said)))
        assert line.endswith(f"::FAIL: {written}")

    def test_a_pass_annotates_nothing(self):
        """A green run with red marks teaches people to ignore them."""
        assert list(github.commands(decided(gate("a")))) == []

    @settings(max_examples=100, deadline=None)
    @given(decision=HOSTILE_DECISIONS)
    def test_a_command_is_one_line_and_one_command(self, decision):
        """A reason that begins a line of its own gives the runner orders."""
        for line in github.commands(decision):
            assert len(line.splitlines()) == 1
            _, parameters, _ = re.fullmatch(r"::(error|warning) ((?:[a-z]+=[^:,]*,?)+)::(.*)", line).groups()
            assert {part.split("=")[0] for part in parameters.split(",")} <= {"file", "line", "title"}

    @settings(max_examples=60, deadline=None)
    @given(decision=HOSTILE_DECISIONS)
    def test_the_page_shows_text_as_text(self, decision):
        """A gate that writes HTML or a link writes into the page of a release."""
        page = github.summary(decision, 6_000)
        assert len(page.encode()) <= 6_000
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)
        kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or []}
        assert not kinds & {"html_block", "html_inline", "link_open", "image"}
        headings = [tokens[number + 1].content for number, token in enumerate(tokens) if token.type == "heading_open"]
        apart = ["Not applicable"] if "Not applicable" in headings else []
        expected = ["Why not", "Critical failures", "Warnings to review", *apart, "All checks", "Evidence", "Judges"]
        assert headings[1:] == expected[: len(headings) - 1]


@pytest.mark.parametrize("name", ["sarif-2.1.0.json", "ctrf-0.0.json"])
def test_the_published_schemas_are_unchanged(name):
    """A schema that was bent until our reports fit it shows nothing."""
    digest = hashlib.sha256((SCHEMAS / name).read_bytes()).hexdigest()
    assert f"`{digest}`" in (SCHEMAS / "README.md").read_text()
