"""What is recorded of a run, and what a run that failed leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.artifacts import STATEMENT
from pytest_promotion.provenance import statement as statements
from pytest_promotion.provenance.producing import Order, recording
from pytest_promotion.provenance.statement import parse, with_listing
from tests.provenance.conftest import WRITE, digests, git


def statement_of(root, path="reports/out.json"):
    """The statement beside an output, read by the reader of gates."""
    name = f"{path}.intoto.json"
    return parse((root / name).read_bytes(), name)


def test_a_run_is_recorded(root, produced):
    """Each of these is what a gate, or somebody after an incident, asks for."""
    before = datetime.now(UTC)
    assert produced('{"a": 1}').problems == []
    found = statement_of(root)
    assert (found.name, found.command, found.exit_code, found.accepted) == ("out", WRITE, 0, (0,))
    assert before <= found.started <= found.finished <= datetime.now(UTC)
    assert found.inputs == tuple(digests(root, "src"))
    assert dict(found.outputs).keys() == {"reports/out.json"}


def test_evidence_looks_for_it_where_it_is_written():
    """The name is written down twice, because evidence does not import what runs producers."""
    assert statements.SUFFIX == STATEMENT


def test_the_statement_is_in_toto_with_slsa_provenance(root, produced):
    """Other tools read it: the protobuf of in-toto accepts it, with no field that it does not know."""
    from google.protobuf.json_format import Parse
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2

    produced()
    document = json.loads((root / "reports/out.json.intoto.json").read_bytes())
    found = Parse(json.dumps(document), statement_pb2.Statement())
    assert found.predicate_type == "https://slsa.dev/provenance/v1"
    predicate = Parse(json.dumps(document["predicate"]), provenance_pb2.Provenance())
    assert predicate.build_definition.resolved_dependencies[0].name == "src"
    assert predicate.run_details.builder.version["pytest-promotion"]


def test_the_commit_is_recorded_where_there_is_one(repository, produced):
    """The digest says whether it is the same; the commit says which one it was."""
    produced()
    import subprocess

    head = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert f'"gitCommit":"{head.stdout.strip()}"' in (repository / "reports/out.json.intoto.json").read_text()


def test_an_old_statement_is_gone_before_the_command_runs(root, produced):
    """A run that is killed must leave nothing that fits."""
    produced()
    with pytest.raises(KeyboardInterrupt):
        produced(during=lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    assert (root / "reports/out.json").is_file()
    assert sorted(path.name for path in (root / "reports").iterdir()) == ["out.json"]


def test_an_output_that_was_not_written_has_no_statement(root, produced):
    """The file of yesterday is not what this run found."""
    produced()
    order = Order.of("out", WRITE, ["src"], ["reports/out.json"])
    with recording(order, root) as recorded:
        assert recorded.finish(0) == []
    assert recorded.problems == ["the producer out did not write reports/out.json"]
    assert not (root / "reports/out.json.intoto.json").exists()


def test_one_unwritten_output_of_two_is_enough(root):
    """Half of a result is none."""
    order = Order.of("two", WRITE, ["src"], ["a.json", "b.json"])
    with recording(order, root) as recorded:
        (root / "a.json").write_text("{}")
        assert recorded.finish(0) == []
    assert not list(root.glob("*.intoto.json"))


def test_the_same_bytes_written_again_are_written(root, produced):
    """A producer that finds the same is no producer that did nothing."""
    produced("{}")
    assert produced("{}").problems == []


def test_a_failure_is_recorded(root, produced):
    """Its report can be there, and says what failed."""
    assert produced(code=3).problems == ["the producer out ended with exit code 3"]
    assert statement_of(root).exit_code == 3


def test_an_input_that_changes_meanwhile_is_recorded(root, produced):
    """The report may be about either of the two."""
    found = produced(during=lambda: (root / "src/app.py").write_text("VALUE = 2\n"))
    assert found.problems == ["an input changed while the producer out ran: src/app.py changed"]
    assert statement_of(root).changed == ("src/app.py changed",)


def test_two_producers_of_one_output_are_refused(root, produced):
    """The statement of one would be about the bytes of the other."""

    def second():
        with (
            pytest.raises(Unproven, match="another command is producing reports/out.json at this moment"),
            recording(Order.of("b", WRITE, ["src"], ["reports/out.json"]), root),
        ):
            pass

    assert produced(during=second).problems == []
    assert produced().problems == []  # and afterwards it is free


def test_many_files_are_listed_beside_the_statement(root, produced, monkeypatch):
    """A statement of megabytes would be read for each artifact."""
    monkeypatch.setattr(statements, "LISTED", 1)
    produced()
    found = statement_of(root)
    assert found.listing[0] == "reports/out.json.inputs.json"
    listing = (root / found.listing[0]).read_bytes()
    assert with_listing(found, listing, "x").inputs == tuple(digests(root, "src"))
    with pytest.raises(Unproven, match="do not give the digest"):
        with_listing(found, listing.replace(b"app.py", b"bpp.py"), "x")


def test_secrets_are_masked(root, monkeypatch):
    """A statement is kept as long as the decision, and goes where that goes."""
    monkeypatch.setenv("MY_TOKEN", "s3cr3t-value-1234")
    monkeypatch.setenv("CI_JOB", "17")
    from dataclasses import replace

    order = Order.of("out", [*WRITE, "--password", "hunter2hunter2"], ["src"], ["out.json"])
    order = replace(order, environment=("MY_TOKEN", "CI_JOB", "NOT_SET"))
    with recording(order, root) as recorded:
        (root / "out.json").write_text("{}")
        recorded.finish(0)
    text = (root / "out.json.intoto.json").read_text()
    assert "s3cr3t-value-1234" not in text
    assert "hunter2" not in text
    environment = dict(statement_of(root, "out.json").environment)
    assert (environment["CI_JOB"], environment["NOT_SET"]) == ("17", None)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ([], ["out"], "has no input"),
        (["src"], [], "has no output"),
        (["src", "./src"], ["out"], "names the input src twice"),
        (["src"], ["out", "out"], "names the output out twice"),
        (["src"], ["../out"], "is not a path below the promotion root"),
        (["src"], ["src"], "src is both an input and an output"),
        (["src"], ["a.intoto.json"], "cannot be one"),
        (["image:app"], ["out"], "names no digest"),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused(inputs, outputs, message):
    """It would record nothing, or something that never fits."""
    with pytest.raises(PolicyError, match=message):
        Order.of("out", ["true"], inputs, outputs)


def test_an_output_outside_of_the_root_is_refused(root, tmp_path):
    """A link in its path leads where no gate reads."""
    (root / "reports").symlink_to(tmp_path)
    with (
        pytest.raises(Unproven, match="reports/out.json lies outside the promotion root"),
        recording(Order.of("out", WRITE, ["src"], ["reports/out.json"]), root),
    ):
        pass


def test_an_output_below_an_input_is_no_input(repository):
    """Its own report, its statement and the next one of the same run."""
    git(repository, "config", "core.excludesFile", "/dev/null")
    for number in range(2):
        with recording(Order.of("out", WRITE, ["src"], ["src/out.json"]), repository) as recorded:
            (repository / "src/out.json").write_text(f"{number}")
            recorded.finish(0)
        assert recorded.problems == []
