"""Compose files: what is refused and why, beside what Compose itself says of the same files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose import document, engine, project, references, specification
from pytest_promotion.readers.compose.findings import Refused
from tests.compose.corpus import BAD, GOOD
from tests.compose.resident import resident

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "fixtures" / "company" / "compose" / "docker-compose.yml"
VARIABLES = {"EMPTY_1": ""}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The Compose whose answers the corpus has recorded."""
    folder = tmp_path_factory.mktemp("recorded")
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed")
    (folder / "docker-compose").symlink_to(program)
    here = engine.find(folder, {**os.environ, "PATH": str(folder)})
    if not here.version.startswith("1.29."):
        pytest.skip(f"what {here} says differently from 1.29 is not recorded")
    return here


def judged(folder: Path, *texts: str, more=()):
    """What is found in files with these texts, laid on each other."""
    files = [folder / f"compose-{number}.yaml" for number, _ in enumerate(texts)]
    for path, text in zip(files, texts, strict=True):
        path.write_text(text)
    try:
        found = project.load(files, VARIABLES, more)
    except Refused as refusal:
        return None, [refusal.finding]
    return found, [*found.findings, *references.check(found)]


def merged(folder: Path, *texts: str):
    """The service `web` of files that are good."""
    found, wrong = judged(folder, *texts)
    assert wrong == []
    return found.services["web"]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_accepted(tmp_path, name):
    """A check that refuses good files is switched off."""
    assert judged(tmp_path, GOOD[name].text)[1] == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_reason(tmp_path, name):
    """A file that cannot run is found out when the old services are down already."""
    case = BAD[name]
    found = judged(tmp_path, case.text)[1]
    assert any(one.check == case.check and case.why in str(one) for one in found), list(map(str, found))


@pytest.mark.parametrize("name", [name for name, case in BAD.items() if case.check != "yaml"])
def test_a_refusal_names_its_line(tmp_path, name):
    """A finding without a line in a file of a thousand is looked for, and then waved through."""
    found = judged(tmp_path, BAD[name].text)[1]
    whole = {"empty-mapping", "no-services"}
    assert name in whole or all(re.search(r" line \d+$", one.where) for one in found), list(map(str, found))


@pytest.mark.parametrize("library", ["jsonschema-rs", "jsonschema"])
def test_one_fault_is_one_finding(library):
    """Ten keys called unknown beside one that is hide the one."""
    text = b"services: {web: {image: a:1, ports: ['80'], cpus: [], imge: b}}"
    found = specification.check(document.parse(text, "compose.yaml"), library)
    assert sorted(one.path for one in found) == ["services.web.cpus", "services.web.imge"]


@pytest.mark.parametrize("library", ["jsonschema-rs", "jsonschema"])
@pytest.mark.parametrize("name", [*GOOD, *(name for name, case in BAD.items() if case.check == "schema")])
def test_both_validators_say_the_same(name, library):
    """On a machine without a wheel of the fast one, the slow one decides; it must not decide otherwise."""
    case = {**GOOD, **BAD}[name]
    found = specification.check(document.parse(case.text.encode(), "compose.yaml"), library)
    assert bool(found) == (case.check == "schema")
    if found:
        assert any(case.why in str(one) for one in found), list(map(str, found))


@pytest.mark.slow
def test_compose_itself_agrees_wherever_it_can(recorded, tmp_path, monkeypatch):
    """Our own verdict is worth as much as it agrees with the program that will read the file."""
    env = tmp_path / "none.env"
    env.write_text("")

    def said(name):
        case, path = {**GOOD, **BAD}[name], tmp_path / name / "compose.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(case.text)
        return case, engine.ask(recorded, [path], env, ["x", "y"], {**os.environ, **VARIABLES})

    apart = {name: said(name) for name in (next(iter(GOOD)), next(iter(BAD)))}
    with resident(shutil.which("docker-compose")) as asked:
        monkeypatch.setattr(engine, "_run", asked)  # the program itself; only its start is left out
        found = {name: said(name) for name in (*GOOD, *BAD)}
    assert {name: found[name] for name in apart} == apart
    agree = {name: answer.valid == (case.check is None) for name, (case, answer) in found.items()}
    wrong = [name for name, (case, _) in found.items() if agree[name] != (case.apart == "")]
    assert {name: found[name][1].words for name in wrong} == {}


def test_the_corpus_is_large_and_has_both_kinds():
    """A corpus that shrank to its easy half proves little."""
    assert len(GOOD) >= 30
    assert len(BAD) >= 50
    assert {case.check for case in BAD.values()} == {"yaml", "schema", "interpolation", "references"}


def test_the_demos_own_file_is_accepted():
    """The company that the documentation shows must be one that could start."""
    found = project.load([DEMO], {})
    assert [*found.findings, *references.check(found)] == []
    assert len(found.services) == 18
    assert found.services["bot1"]["image"] == "harbour-lane:local"


@pytest.mark.parametrize("name", ["jsonschema-rs", "jsonschema"])
def test_the_libraries_know_unevaluated_properties(name):
    """A validator that ignores this keyword accepts services with keys that do not exist."""
    library, violations = specification.validator(name)
    assert library == name
    assert [one.keyword for one in violations({"services": {"a": {"nope": 1}}})] == ["unevaluatedProperties"]


def test_the_schema_is_the_published_one():
    """A schema that someone bent until their file passed is not the specification."""
    told = specification.SCHEMA.with_suffix(".md").read_text()
    assert hashlib.sha256(specification.SCHEMA.read_bytes()).hexdigest() in told


def test_a_message_never_quotes_a_value(tmp_path):
    """What is wrong with a file is often beside its password."""
    secret = "hunter2hunter2"
    texts = [
        f"services: {{web: {{image: web:1, environment: [[{secret}]]}}}}",
        f"services: {{web: {{image: web:1, restart: {{{secret}: 1}}}}}}",
        f"services: {{web: {{image: web:1, command: '${{X:-{secret}'}}}}",
        f"services: {{web: {{image: web:1, command: '${{X {secret}}}'}}}}",
        f"services: {{web: {{image: web:1, stop_grace_period: {secret}}}}}",
        f"services: {{web: {{image: web:1, ports: ['{secret}']}}}}",
        f"services: {{web: {{image: web:1, healthcheck: {secret}}}}}",
        f"services: {{web: {{image: web:1, scale: !!int {secret}}}}}",
    ]
    for number, text in enumerate(texts):
        place = tmp_path / str(number)
        place.mkdir()
        found = judged(place, text)[1]
        assert found, text
        assert secret not in " ".join(map(str, found)), text


class TestYaml:
    """Compose reads YAML 1.2, and so must we."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("22:22", "22:22"),
            ("yes", "yes"),
            ("off", "off"),
            ("2026-01-01", "2026-01-01"),
            ("true", True),
            ("0x10", 16),
            ("0o17", 15),
            ("017", 15),
            ("1_000", 1000),
            ("-5", -5),
            ("1.5", 1.5),
            ("~", None),
            ('"1"', "1"),
        ],
    )
    def test_a_scalar_is_what_compose_takes_it_for(self, text, value):
        """A port `22:22` that is read as 1342 publishes another door."""
        found = document.parse(f"a: {text}\n".encode(), "x").data["a"]
        assert found == value
        assert type(found) is type(value)

    def test_aliases_do_not_unfold_without_end(self):
        """Ten lines of aliases can fill all memory."""
        rows = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
        rows += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 9)]
        with pytest.raises(Refused, match="unfold"):
            document.parse("\n".join(rows).encode(), "x")

    @pytest.mark.parametrize("content", [b"[" * 100_000, b"- " * 100_000, b"{a: " * 5000], ids=["[", "-", "{"])
    def test_depth_has_an_end(self, content):
        """The C parser nests on the stack: a deep file ends the process, and with it whoever waited for its answer."""
        with pytest.raises(Refused, match="nested deeper"):
            document.parse(content, "x")

    def test_an_alias_of_itself_is_refused(self):
        """A loop in the data is a loop in whoever walks it."""
        with pytest.raises(Refused):
            document.parse(b"a: &a [*a]\n", "x")

    @pytest.mark.parametrize("content", [b"", b"\xff\xfea", b"\xc3\x28"], ids=["empty", "utf-16", "torn-utf-8"])
    def test_what_cannot_be_read_is_not_judged(self, content):
        """An empty file is neither valid nor invalid; something ate it."""
        with pytest.raises(Unproven):
            document.parse(content, "x")

    def test_a_merged_key_names_the_line_it_stands_in(self):
        """A finding in thirteen services that names the wrong line is mended in the wrong place."""
        found = document.parse(b"x: &x\n  image: a\nservices:\n  web:\n    <<: *x\n", "f")
        assert found.where(("services", "web", "image")) == "f line 2"


class TestSeveralFiles:
    """Files laid on each other, as the specification merges them."""

    def test_a_later_file_wins(self, tmp_path):
        """The production file that does not overrule runs the development image."""
        web = merged(
            tmp_path,
            "services: {web: {image: a:1, command: [a, b], environment: [A=1, B=1], dns: [1.1.1.1]}}",
            "services: {web: {image: b:1, command: [c], environment: {B: 2}, dns: [2.2.2.2]}}",
        )
        assert web == {
            "image": "b:1",
            "command": ["c"],
            "environment": {"A": "1", "B": 2},
            "dns": ["1.1.1.1", "2.2.2.2"],
        }

    def test_volumes_are_told_apart_by_where_they_are_mounted(self, tmp_path):
        """Two volumes at one place: the engine refuses what we called valid."""
        web = merged(
            tmp_path,
            "services: {web: {image: a:1, volumes: [./a:/data, ./b:/b]}}",
            "services: {web: {volumes: [./c:/data]}}",
        )
        assert web["volumes"] == ["./c:/data", "./b:/b"]

    def test_reset_takes_away_and_override_replaces(self, tmp_path):
        """A port that was taken away and still counts clashes with nothing that is there."""
        web = merged(
            tmp_path,
            "services: {web: {image: a:1, ports: ['80:80'], dns: [1.1.1.1], labels: {a: b}}}",
            "services: {web: {ports: !reset [], dns: !override [2.2.2.2], labels: !reset null}}",
        )
        assert web == {"image": "a:1", "dns": ["2.2.2.2"]}

    def test_dependencies_in_both_forms_are_joined(self, tmp_path):
        """A dependency lost in a merge lets a service start before what it needs."""
        found, wrong = judged(
            tmp_path,
            "services: {web: {image: a:1, depends_on: [one]}, one: {image: a:1}, two: {image: a:1}}",
            "services: {web: {depends_on: {two: {condition: service_started}}}}",
        )
        assert wrong == []
        assert set(found.services["web"]["depends_on"]) == {"one", "two"}

    def test_a_service_of_another_file_is_extended(self, tmp_path):
        """The image that is upgraded may stand in the file that others build on."""
        (tmp_path / "base.yaml").write_text("services: {base: {image: 'a:${V:-7}', restart: always}}")
        web = merged(tmp_path, "services: {web: {extends: {file: base.yaml, service: base}, restart: 'no'}}")
        assert web == {"image": "a:7", "restart": "no"}

    def test_an_extended_file_that_is_gone_is_not_judged(self, tmp_path):
        """A file with a part missing is not a valid file."""
        with pytest.raises(Unproven, match="gone.yaml cannot be read"):
            judged(tmp_path, "services: {web: {extends: {file: gone.yaml, service: base}}}")

    def test_include_is_not_judged(self, tmp_path):
        """A file whose other half was not looked at is not valid, as far as anyone knows."""
        with pytest.raises(Unproven, match="include"):
            judged(tmp_path, "include: [other.yaml]\nservices: {web: {image: a:1}}")

    @pytest.mark.slow
    def test_the_merge_is_composes_own(self, recorded, tmp_path):
        """Two ideas of how files are merged are two ideas of what will run."""
        one = "services: {web: {image: a:1, command: [a, b], environment: [A=1, B=1], cap_add: [A], dns: [1.1.1.1]}}"
        two = "services: {web: {image: b:1, command: [c], environment: {B: '2'}, cap_add: [B], dns: [2.2.2.2]}}"
        ours = merged(tmp_path, one, two)
        words = [*recorded.words, "-f", "compose-0.yaml", "-f", "compose-1.yaml", "config"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
        theirs = document.parse(done.stdout, "theirs").data["services"]["web"]
        assert ours == theirs


@pytest.mark.slow
class TestEngine:
    """ "Compose is missing" and "the file is invalid" are different answers, and neither is a pass."""

    @staticmethod
    def program(folder: Path, name: str, script: str) -> dict[str, str]:
        """A PATH with one program on it."""
        place = folder / "bin"
        place.mkdir(exist_ok=True)
        (place / name).write_text(f"#!/bin/sh\n{script}\n")
        (place / name).chmod(0o755)
        return {"PATH": str(place)}

    def test_nothing_on_the_path(self, tmp_path):
        """A machine without Compose has said nothing about the file."""
        with pytest.raises(Unproven, match="docker is not installed; docker-compose is not installed"):
            engine.find(tmp_path, {"PATH": str(tmp_path)})

    def test_a_docker_without_the_plugin(self, tmp_path):
        """Its exit code looks like that of a refused file."""
        docker = shutil.which("docker")
        if docker is None:
            pytest.skip("docker is not installed")
        (tmp_path / "docker").symlink_to(docker)
        # Where the plugin is installed it is found below the home and in the system's folders.
        try:
            here = engine.find(tmp_path, {"PATH": str(tmp_path), "HOME": str(tmp_path)})
        except Unproven as problem:
            assert "has no compose plugin" in str(problem)
        else:
            pytest.skip(f"this docker has its plugin: {here}")

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            ("echo usage; exit 125", "tells no version"),
            ("echo \"docker: 'compose' is not a docker command.\"; exit 1", "has no compose plugin"),
            ("exit 0", "tells no version"),
            ("echo 2.29.1; exit 1", "tells no version"),
        ],
        ids=["usage", "unknown", "yes-to-everything", "version-and-failure"],
    )
    def test_what_tells_no_version_is_no_compose(self, tmp_path, script, why):
        """A wrapper that says yes to everything would say yes to every file."""
        with pytest.raises(Unproven, match=why):
            engine.find(tmp_path, self.program(tmp_path, "docker", script))

    @pytest.mark.parametrize(
        ("ending", "said"),
        [
            ("exit 0", True),
            ("echo 'services.web must be a mapping' >&2; exit 15", False),
            ("echo 'yaml: line 3' >&2; exit 1", False),
        ],
        ids=["valid", "parse-failure", "plain-failure"],
    )
    def test_an_answer_about_the_file(self, tmp_path, ending, said):
        """The plugin's codes are not those of the older program."""
        found = self.asked(tmp_path, ending)
        assert found.valid is said
        assert ("line 3" in found.words) == ("line 3" in ending)

    @pytest.mark.parametrize(
        "ending",
        [
            "exit 125",
            "exit 137",
            "kill -9 $$",
            "echo 'unknown flag: --env-file'; exit 16",
            "echo 'Traceback (most recent call last):'; exit 1",
        ],
        ids=["docker", "out-of-memory", "killed", "question", "crash"],
    )
    def test_no_answer_about_the_file(self, tmp_path, ending):
        """A crash reported as an invalid file sends someone to mend what is whole."""
        with pytest.raises(Unproven, match="did not judge"):
            self.asked(tmp_path, ending)

    def asked(self, tmp_path, ending):
        env = self.program(tmp_path, "docker", f'[ "$2" = version ] && {{ echo v2.29.1; exit 0; }}\n{ending}')
        file = tmp_path / "compose.yaml"
        file.write_text("services: {}\n")
        here = engine.find(tmp_path, env)
        assert str(here) == "docker compose 2.29.1"
        return engine.ask(here, [file], tmp_path / "none.env", [], env)

    def test_the_plugin_comes_before_the_older_program(self, tmp_path):
        """Where both are there, the one that will deploy is asked."""
        self.program(tmp_path, "docker-compose", "echo 1.29.2")
        assert engine.find(tmp_path, self.program(tmp_path, "docker", "echo 2.29.1")).version == "2.29.1"

    def test_the_project_is_the_one_that_was_judged(self, tmp_path):
        """COMPOSE_FILE in the environment would have another file judged, and ours called valid."""
        env = self.program(
            tmp_path,
            "docker",
            '[ "$2" = version ] && { echo 2.29.1; exit 0; }\n'
            f'echo "$COMPOSE_FILE|$COMPOSE_PROFILES|$*" > {tmp_path}/seen; pwd >> {tmp_path}/seen',
        )
        file = tmp_path / "compose.yaml"
        file.write_text("services: {}\n")
        env |= {"COMPOSE_FILE": "other.yaml"}
        engine.ask(engine.find(tmp_path, env), [file], tmp_path / "none.env", ["a", "b"], env)
        words, place = (tmp_path / "seen").read_text().splitlines()
        assert words.startswith("|a,b|compose --project-directory ")
        assert words.endswith(f"-f {file} config -q")
        assert place == str(tmp_path)


def test_the_recorded_shape_of_a_finding(tmp_path):
    """Programs read the place and the part from a finding; a sentence is for people."""
    one = judged(tmp_path, "services:\n  web:\n    image: a:1\n    depends_on: [b]\n")[1][0]
    assert json.dumps([one.check, one.level, one.path, one.where]) == json.dumps(
        ["references", "error", "services.web.depends_on.b", "compose-0.yaml line 4"]
    )
