"""From a policy file to the rules of one run: profiles, overrides, and what types cannot say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_promotion import policy as policies
from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError
from pytest_promotion.policy.document import Document
from pytest_promotion.policy.resolving import assign, check, check_overlay, lineage, quorums
from pytest_promotion.policy.shape import (
    Exceptions,
    GateRules,
    OverrideQuorum,
    Rules,
    Timestamps,
    WaiverQuorum,
    WaiverRules,
)


def document(text):
    """A policy file."""
    return Document.parse(Path("p.yaml"), text.encode())


def refused(function, *args):
    """The sentence of a refusal."""
    with pytest.raises(PolicyError) as problem:
        function(*args)
    return str(problem.value)


# --- profiles ---

PROFILES = """\
version: 1
profiles:
  dev: {partial: allow}
  ci: {extends: dev, evidence: required}
  strict: {extends: ci}
"""


def test_a_profile_comes_with_those_it_extends():
    """Nearest first: what is nearer wins."""
    steps = lineage(document(PROFILES), "strict")[0]
    assert steps == [{"extends": "ci"}, {"extends": "dev", "evidence": "required"}, {"partial": "allow"}]
    assert lineage(document(PROFILES), "dev")[0] == [{"partial": "allow"}]


def test_the_default_need_not_be_written():
    """It is then the policy itself; where it is written, it is a profile like any other."""
    assert lineage(document("version: 1\n"), "default")[0] == []
    assert lineage(document("version: 1\nprofiles: {default: {partial: allow}}\n"), "default")[0] == [
        {"partial": "allow"}
    ]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (PROFILES, "strit", "p.yaml has no profile 'strit'; did you mean 'strict'?"),
        (PROFILES, "zzz", "p.yaml has no profile 'zzz'; known: ci, dev, strict"),
        ("version: 1\n", "ci", "p.yaml has no profile 'ci'; known: none"),
        ("version: 1\nprofiles: {a: {extends: a}}\n", "a", "p.yaml line 2: profiles extend in a circle: a > a"),
        (
            "version: 1\nprofiles:\n  a: {extends: b}\n  b: {extends: a}\n",
            "a",
            "p.yaml line 3: profiles extend in a circle: a > b > a",
        ),
        (
            PROFILES.replace("extends: dev", "extends: deev"),
            "strict",
            "p.yaml line 4: no profile 'deev'; did you mean 'dev'?",
        ),
        (
            PROFILES.replace("extends: dev", "extends: zzz"),
            "strict",
            "p.yaml line 4: no profile 'zzz'; known: ci, dev, strict",
        ),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused(text, name, message):
    """A typo in the name of the strictest profile must not select the laxest."""
    assert refused(lineage, document(text), name) == message


def test_the_built_in_policy_has_no_profiles():
    """There is no file to name."""
    empty = Document("", {"version": 1}, {})
    assert refused(lineage, empty, "ci") == "the built-in policy has no profile 'ci'; known: none"


OVERLAY = """\
version: 1
gates:
  a: {{thresholds: {{limit: 1, other: 2}}}}
  b: {{}}
profiles:
  none: {{}}
  ci:
    gates: {gates}
"""


@pytest.mark.parametrize(
    "gates", ["{}", "{a: {}}", "{a: {thresholds: {limit: 2}}}", "{b: {max_age: 3m}}", "{c: {max_age: 3m}}"]
)
def test_a_profile_changes_thresholds(gates):
    """Other rules of a gate may be new in a profile."""
    check_overlay(document(OVERLAY.format(gates=gates)))
    check_overlay(document("version: 1\n"))


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ("{a: {thresholds: {limt: 2}}}", "the policy gives a no threshold 'limt'; did you mean 'limit'?"),
        ("{a: {thresholds: {limit: 1, zzz: 2}}}", "the policy gives a no threshold 'zzz'; known: limit, other"),
        ("{b: {thresholds: {limit: 2}}}", "the policy gives b no threshold 'limit'; known: none"),
        ("{c: {thresholds: {limit: 2}}}", "the policy gives c no threshold 'limit'; known: none"),
    ],
)
def test_a_profile_invents_no_thresholds(gates, message):
    """A new name there is a misspelt one, and the gate would be judged by the laxer value."""
    assert refused(check_overlay, document(OVERLAY.format(gates=gates))) == f"p.yaml line 8: {message}"


# --- overrides ---

RULES = Rules(
    required=["a", "b"],
    gates={
        "a": GateRules(max_age="5m", thresholds={"limit": 0.5, "skip_it": False, "files": ["x"], "word": "yes", "none": None}),
        "b": GateRules(thresholds={"limit": 1, "only_b": 3}),
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("max_report_age_min=16", "timestamps.max_report_age_min", 16),
        ("max_report_age_min=1.5", "timestamps.max_report_age_min", 1.5),
        ("timestamps.max_report_age_min=16", "timestamps.max_report_age_min", 16),
        ("gates.a.thresholds.limit=0.9", "gates.a.thresholds.limit", 0.9),
        ("b.thresholds.limit=2", "gates.b.thresholds.limit", 2),
        ("only_b=4", "gates.b.thresholds.only_b", 4),
        ("skip_it=true", "gates.a.thresholds.skip_it", True),
        ("files=x, y,,", "gates.a.thresholds.files", ["x", "y"]),
        ("files=", "gates.a.thresholds.files", []),
        ("word=7", "gates.a.thresholds.word", "7"),
        ("word=a=b", "gates.a.thresholds.word", "a=b"),
        ("word=", "gates.a.thresholds.word", ""),
        ("required=a", "required", ["a"]),
        ("partial=allow", "partial", "allow"),
        ("release_manifest=m.json", "release_manifest", "m.json"),
        ("release_manifest=7", "release_manifest", 7),
        ("none=true", "gates.a.thresholds.none", True),
        ("none=null", "gates.a.thresholds.none", "null"),
        ("none=[1]", "gates.a.thresholds.none", "[1]"),
        ("none={a: 1}", "gates.a.thresholds.none", "{a: 1}"),
        ("none=a: [", "gates.a.thresholds.none", "a: ["),
        ("future_skew=3m", "timestamps.future_skew", "3m"),
    ],
)
def test_an_override_has_the_type_of_what_it_replaces(assignment, key, value):
    """`limit=0.9` is a number, `word=7` a text: what stands there says which."""
    merged = {}
    found = assign(merged, RULES, assignment)
    assert found == (key, value)
    assert type(found[1]) is type(value)
    target = merged
    for step in key.split("."):
        target = target[step]
    assert target == value


def test_an_override_leaves_the_profile_as_it_was():
    """The same file is asked for another profile afterwards."""
    profile = {"limit": 0.5}
    merged = {"gates": {"a": {"thresholds": profile}}, "timestamps": None}
    assign(merged, RULES, "gates.a.thresholds.limit=0.9")
    assign(merged, RULES, "mtime=forbid")
    assert profile == {"limit": 0.5}
    assert merged == {"gates": {"a": {"thresholds": {"limit": 0.9}}}, "timestamps": {"mtime": "forbid"}}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("a", "expected KEY=VALUE"),
        ("=1", "expected KEY=VALUE"),
        ("", "expected KEY=VALUE"),
        ("nothing_like_it=1", "the policy has no setting 'nothing_like_it'"),
        ("max_report_age_mn=3", "the policy has no setting 'max_report_age_mn'; did you mean 'max_report_age_min'?"),
        ("gates.a.thresholds.limt=3", "the policy has no setting 'gates.a.thresholds.limt'; did you mean 'gates.a.thresholds.limit'?"),
        ("limit=2", "limit may mean gates.a.thresholds.limit, gates.b.thresholds.limit; write it in full"),
        ("skip_it=yess", "expected true or false"),
        ("skip_it=1", "expected true or false"),
        ("only_b=true", "expected a finite number"),
        ("only_b=abc", "expected a finite number"),
        ("only_b=.nan", "expected a finite number"),
        ("only_b=.inf", "expected a finite number"),
        ("only_b=", "expected a finite number"),
        ("only_b=a: [", "expected a finite number"),
    ],
)  # fmt: skip
def test_an_override_that_cannot_be_meant_is_refused(assignment, message):
    """An override that silently does nothing is worse than none."""
    assert refused(assign, {}, RULES, assignment) == f"--promotion-set {assignment}: {message}"


# --- what types cannot say ---

QUORUM = {"max": "14d", "approvals": {"qa": 1}}


def rules(**fields):
    """Rules, with a quorum for overrides where `override` says so."""
    override = fields.pop("override", None)
    exceptions = Exceptions(override=OverrideQuorum(**(QUORUM | override))) if override is not None else Exceptions()
    return Rules(exceptions=exceptions, **fields)


PLACES = document(
    """\
version: 1
required: []
timestamps: {future_skew: 5x}
gates:
  a: {max_age: 5x}
refresh: [p]
waivers: w.yaml
producers: {q: {command: [x], writes: [y]}}
exceptions:
  override: {max: 1d, post_mortem_within: 1x, approvals: {any: 1}}
"""
)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (rules(timestamps=Timestamps(future_skew="5x")), "p.yaml line 3: timestamps.future_skew: '5x' is not a length of time"),
        (rules(gates={"b": GateRules(), "a": GateRules(max_age="5x")}), "p.yaml line 5: gates.a.max_age: '5x' is not a length of time"),
        (rules(required=[]), "p.yaml line 2: `required` is empty: a roll-call without gates decides nothing"),
        (rules(refresh=["q", "p"]), "p.yaml line 6: refresh names 'p', and no producer is called so"),
        (rules(waivers="w.yaml"), "p.yaml line 7: waivers need `signers`, a file of who may approve them"),
        (rules(override={"max": None}), "p.yaml line 10: exceptions.override has no max: an exception has an end and a quorum"),
        (rules(override={"approvals": {}}), "p.yaml line 10: exceptions.override has no approvals: an exception has an end and a quorum"),
        (rules(override={"max": "1x"}), "p.yaml line 10: exceptions.override.max: '1x' is not a length of time"),
        (rules(override={"post_mortem_within": "1x"}), "p.yaml line 10: exceptions.override.post_mortem_within: '1x' is not a length"),
        (rules(override={"approvals": {"any": 1, "qa": 1}}), "p.yaml line 10: `any` beside other roles says neither; give the number of each role"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused_with_its_line(wrong, message):
    """Each of these has the right type."""
    assert refused(check, wrong, PLACES).startswith(message)


@pytest.mark.parametrize(
    "good",
    [
        Rules(),
        rules(required=["a"], gates={"a": GateRules(max_age="5m")}, refresh=["q"]),
        rules(signers="s.yaml"),
        rules(waivers="w.yaml", signers="s.yaml"),
        rules(override={}),
        rules(override={"approvals": {"any": 2}}),
        Rules(exceptions=Exceptions(waiver=WaiverRules(critical=WaiverQuorum(**QUORUM)))),
    ],
)
def test_a_rule_that_can_be_meant_is_accepted(good):
    """What refuses everything refuses every mistake as well."""
    check(good, PLACES)


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_the_quorum_of_each_severity_is_checked(severity):
    """A waiver of a warning gate needs an end too, and owes no post-mortem."""
    wrong = Rules(exceptions=Exceptions(waiver=WaiverRules(**{severity: WaiverQuorum(max="1x", approvals={"qa": 1})})))
    assert refused(check, wrong, PLACES).startswith(f"p.yaml line 9: exceptions.waiver.{severity}.max: '1x' is not")


def test_quorums_are_named_by_their_place():
    """A missing one is none, and not one without rules."""
    both = WaiverRules(critical=WaiverQuorum(max="1d"), warning=WaiverQuorum(max="2d"))
    override = OverrideQuorum(max="3d")
    assert list(quorums(Rules())) == []
    assert list(quorums(Rules(exceptions=Exceptions(waiver=both, override=override)))) == [
        (("exceptions", "waiver", "critical"), both.critical),
        (("exceptions", "waiver", "warning"), both.warning),
        (("exceptions", "override"), override),
    ]


# --- load: all of it ---

FILES = {
    "p.yaml": """\
version: 1
required: [a, b]
waivers: w.yaml
signers: s.yaml
gates: {a: {max_age: 5m, thresholds: {limit: 0.5}}}
producers: {q: {command: [x], writes: [y]}}
prove: {min_kill_rate: 0.5}
profiles:
  ci: {required: [a], timestamps: {max_report_age_min: 15}}
  strict: {extends: ci, gates: {a: {thresholds: {limit: 0.7}}}, timestamps: {mtime: forbid}}
""",
    "w.yaml": "waivers: []\n",
    "s.yaml": "signers: []\n",
}


def load(*args, **files):
    """The policy in these files."""
    contents = {Path("some") / name: text.encode() for name, text in ({**FILES, **files}).items() if text is not None}

    def reader(path):
        if path not in contents:
            raise FileNotFoundError(2, "No such file or directory")
        return contents[path]

    return policies.load(Path("some/p.yaml"), *args, reader=reader)


def test_a_profile_lies_on_what_it_extends_and_that_on_the_policy():
    """A profile that forgets the rules of its parent is laxer than its name."""
    found = load("strict").rules
    assert found.required == ["a"]
    assert found.timestamps == Timestamps(max_report_age_min=15, mtime="forbid")
    assert found.gates["a"] == GateRules(max_age="5m", thresholds={"limit": 0.7})
    assert load("ci").rules.gates["a"].thresholds == {"limit": 0.5}
    assert load(None).rules.required == load("default").rules.required == ["a", "b"]


def test_everything_of_the_policy_is_there():
    """What a session asks for later, and what goes into the vault."""
    found = load("strict", ["limit=0.6"])
    assert (found.profile, found.overrides) == ("strict", {"gates.a.thresholds.limit": 0.6})
    assert found.weakened == ("gates.a.thresholds.limit: 0.7 to 0.6",)
    assert list(found.producers) == ["q"]
    assert found.producers["q"].command == ["x"]
    assert found.prove.min_kill_rate == 0.5
    assert [one.path for one in found.sources] == ["some/p.yaml", "some/w.yaml", "some/s.yaml"]
    assert [one.content for one in found.sources] == [text.encode() for text in FILES.values()]
    assert (found.waivers, found.signers) == (found.sources[1], found.sources[2])
    assert found.gate("a[1]") == found.rules.gates["a"]


@pytest.mark.parametrize("name", ["w.yaml", "s.yaml"])
def test_a_file_that_the_policy_names_has_to_be_there(name):
    """Waivers that are silently not read are waivers that hold on another machine."""
    message = refused(lambda: load(None, **{name: None}))
    assert message == f"p.yaml names {name}, which cannot be read: no such file or directory"


def test_several_overrides_add_up():
    """The second must not undo the first, nor be compared with it."""
    found = load(None, ["limit=0.1", "max_report_age_min=30", "limit=0.2"])
    assert found.overrides == {"gates.a.thresholds.limit": 0.2, "timestamps.max_report_age_min": 30}
    assert found.rules.gates["a"].thresholds["limit"] == 0.2
    assert set(found.weakened) == {
        "timestamps.max_report_age_min: 20.0 to 30.0",
        "gates.a.thresholds.limit: 0.5 to 0.2",
    }


def test_an_override_is_checked_like_the_file():
    """`required=` would be a decision over nothing."""
    assert "`required` is empty" in refused(load, None, ["required="])
    assert "timestamps.max_report_age_min" in refused(load, None, ["max_report_age_min=0"])


def test_without_a_file_the_built_in_policy_holds():
    """Every gate is required, and nothing is waived."""
    found = policies.load(None, None)
    assert (found.rules, found.profile, found.sources, found.waivers) == (Rules(), "default", (), None)
    assert policies.load(None, None, ["partial=allow"]).rules.partial == "allow"


def test_equal_rules_have_equal_digests():
    """The digest is part of the bundle id; the profile's name is part of it."""
    assert load("ci").resolved_sha256 == load("ci").resolved_sha256
    assert len({load(name).resolved_sha256 for name in ("ci", "strict", "default")}) == 3
    assert load("ci", ["limit=0.5"]).resolved_sha256 == load("ci").resolved_sha256
    assert load("ci", ["limit=0.6"]).resolved_sha256 != load("ci").resolved_sha256


def test_the_names_of_the_profiles_are_known_without_resolving_them():
    """For the list that a command shows; the default is always among them, and first."""
    reader = {Path("p.yaml"): FILES["p.yaml"].encode()}.__getitem__
    assert policies.profiles(Path("p.yaml"), reader) == ("default", "ci", "strict")
    named = b"version: 1\nprofiles: {a: {}, default: {}}\n"
    assert policies.profiles(Path("p.yaml"), lambda path: named) == ("default", "a")


def test_a_worker_judges_by_the_same_policy():
    """It gets everything but the files; of those it may ask who the signers are."""
    found = load("strict", ["limit=0.6"])
    again = policies.unpacked(policies.packed(found))
    assert (again.rules, again.profile, again.overrides, again.weakened) == (
        found.rules, found.profile, found.overrides, found.weakened,
    )  # fmt: skip
    assert (again.sources, again.waivers, again.signers) == ((), None, found.signers)
    assert (again.producers, again.prove) == (found.producers, found.prove)


def test_the_schema_is_one_of_a_policy():
    """Editors complete the keys by it."""
    schema = policies.schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Promotion policy"
    assert schema["$ref"] == "#/$defs/PolicyFile"
    assert {"version", "required", "profiles"} <= schema["$defs"]["PolicyFile"]["properties"].keys()


def test_the_digest_is_that_of_the_profile_and_its_rules():
    """Other tools compute it; a key that is called otherwise is another digest."""
    found = load("ci")
    rules = msgspec.to_builtins(found.rules)
    assert (rules.pop("prove"), rules.pop("provenance"), rules.pop("confidence")) == (
        "off",
        "optional",
        0.95,
    )  # which are no rules
    assert rules["timestamps"].pop("calendar") is None
    assert rules.pop("by_digest") == []
    assert {gate.pop("about") for gate in rules["gates"].values()} == {None}
    assert {gate.pop("effective_on") for gate in rules["gates"].values()} == {None}
    assert [gate.pop("upcoming") for gate in rules["gates"].values()] == [{}] * len(rules["gates"])
    assert {gate.pop("shadow") for gate in rules["gates"].values()} == {False}
    assert found.resolved_sha256 == digest({"profile": "ci", "rules": rules})


def test_gates_are_required_by_an_override_where_there_was_no_list():
    """Without a list every gate is required, and there is no value whose type could be taken over."""
    assert assign({}, Rules(), "required=a, b") == ("required", ["a", "b"])


def test_a_file_that_an_override_names_is_read_from_where_the_session_is():
    """The built-in policy has no folder and no name."""
    with pytest.raises(PolicyError) as problem:
        policies.load(None, None, ["signers=gone.yaml"], lambda path: (_ for _ in ()).throw(OSError()))
    assert str(problem.value) == "the policy names gone.yaml, which cannot be read: failed"
    found = policies.load(None, None, ["signers=s.yaml"], lambda path: path.as_posix().encode())
    assert found.signers == policies.PolicySource("s.yaml", b"s.yaml")


def test_a_policy_without_profiles_has_the_default():
    """The list that a command shows is never empty."""
    assert policies.profiles(Path("p.yaml"), lambda path: b"version: 1\n") == ("default",)


def test_the_line_of_a_quorum_is_that_of_its_role():
    """The mistake is one entry in a mapping over several lines."""
    places = document("version: 1\nexceptions:\n  override:\n    max: 1d\n    approvals:\n      qa: 1\n      any: 1\n")
    wrong = rules(override={"approvals": {"any": 1, "qa": 1}})
    assert refused(check, wrong, places).startswith("p.yaml line 7: `any` beside other roles")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("max_report_age_min=0", "timestamps.max_report_age_min: expected `float` > 0.0"),
        ("gates.a.max_age=-3h", "gates.a.max_age: '-3h' is not a length of time; write 90s, 20m, 24h or 7d"),
        ("refresh=nothing", "refresh names 'nothing', and no producer is called so"),
    ],
)
def test_an_override_is_blamed_for_itself(tmp_path, assignment, message):
    """A line of the policy that is right was named, and people looked for what is wrong with it."""
    path = tmp_path / "promotion.yaml"
    path.write_text("version: 1\nrefresh: []\ntimestamps: {max_report_age_min: 20}\ngates: {a: {max_age: 24h}}\n")
    assert refused(policies.load, path, None, [assignment]) == f"--promotion-set {assignment}: {message}"
