"""What a gate's artifact gives beside its data: the facts in the files of other tools, by one method a kind of file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import artifacts

if TYPE_CHECKING:
    from pytest_promotion.readers.benchmark import Benchmarks
    from pytest_promotion.readers.checks import Checks
    from pytest_promotion.readers.coverage import Coverage
    from pytest_promotion.readers.findings import Scan
    from pytest_promotion.readers.junit import Counts
    from pytest_promotion.readers.load_test import Measured
    from pytest_promotion.readers.metrics import Metrics
    from pytest_promotion.readers.terraform import Plan


class _Dated(Protocol):
    @property
    def created(self) -> str | None: ...


F = TypeVar("F", bound=_Dated)


class Artifact(artifacts.Artifact):
    """
    One file as it was read. Properties are facts; what is wrong with the file fails the gate that asks.

    The methods that read other tools' files raise `Unproven` for a file of another format, and date the artifact where
    the format has a time of its own; else it is dated by its statement of `promotion run`, or as any file is.
    """

    __slots__ = ()

    def scan(self) -> Scan:
        """What a scanner found: SARIF, Trivy, Grype, Snyk, OSV-Scanner, Semgrep, Checkov, KICS, Gitleaks, CycloneDX."""
        from pytest_promotion.readers import scan_file

        return self._facts(scan_file.read).at(self._clock.now())

    def junit(self) -> Counts:
        """How many tests passed, failed and were skipped, by a JUnit file."""
        from pytest_promotion.readers import junit

        return self._facts(junit.read_file)

    def coverage(self, zone: str | None = None) -> Coverage:
        """
        How much was covered, by `coverage.json` of coverage.py or by Cobertura's XML.

        Args:
            zone: of the time in `coverage.json`, which says none, such as `"UTC"`; without it the file is dated as one
                that has no time.
        """
        from pytest_promotion.readers import coverage

        return self._facts(lambda content, origin: coverage.read(content, origin, zone))

    def benchmark(self) -> Benchmarks:
        """The statistics of each benchmark, by the JSON of pytest-benchmark."""
        from pytest_promotion.readers import benchmark

        return self._facts(benchmark.read)

    def dbt(self, *, limited: bool = False) -> Checks:
        """
        How each model, test or source of dbt ended, by `run_results.json` or `sources.json`.

        Args:
            limited: whether a run is accepted that `--select`, `--exclude`, `--resource-type`, `--sample` or `dbt
                retry` limited to a part, or that has no `args` and so does not say it, as in `sources.json`.
        """
        from pytest_promotion.readers import dbt

        return self._facts(lambda content, origin: dbt.read(content, origin, limited=limited))

    def validation(self) -> Checks:
        """How each expectation of Great Expectations, or each check of Soda, ended."""
        from pytest_promotion.readers import validation

        return self._facts(validation.read)

    def metrics(self) -> Metrics:
        """The metrics of an MLflow run, by the answer of its tracking server, or one metric's file of a run folder."""
        from pytest_promotion.readers import metrics

        facts = self._facts(metrics.read)
        run, _, name = self.path.rpartition("/metrics/")
        if facts.form == metrics.FILE and name:
            metrics.refuse_unfinished(self._beside(f"{run}/meta.yaml").data, f"{run}/meta.yaml")
        return facts

    def _beside(self, path: str) -> artifacts.Artifact:
        """A file that belongs to this one: evidence too, of the same age. Raises `Unproven` where it is not there."""
        if self._shelf is None:
            raise Unproven(f"{path} is needed beside {self.path}")
        found = self._shelf.get(path)
        self._shelf.ageless(found, f"a part of the run that {self.path} is of")
        return found

    def load_test(self) -> Measured:
        """What a load test measured, by one of k6's four formats."""
        from pytest_promotion.readers import k6

        return self._facts(k6.read)

    def plan(self) -> Plan:
        """A plan of Terraform or OpenTofu, by `show -json`."""
        from pytest_promotion.readers import terraform

        return self._facts(terraform.read)

    def _facts(self, read: Callable[[bytes, str], F]) -> F:
        facts = self.read(read)
        if facts.created is not None:
            self._date(facts.created, f"time of the {type(facts).__name__.lower()}")
        return facts
