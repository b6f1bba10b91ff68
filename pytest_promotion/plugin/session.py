"""
One session, from the provisional FAIL to the decision.

This is where the rooms meet: the ledger says what happened, `decide()` what follows, the
renderers how it reads, and the report folder where it lies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_promotion.clock import iso, parse_moment, stamp
from pytest_promotion.decision import shards
from pytest_promotion.decision.assembly import Account, decision_of
from pytest_promotion.decision.declared_gates import Written
from pytest_promotion.decision.fingerprint import WAIVABLE
from pytest_promotion.decision.policy_names import unknown_gates
from pytest_promotion.decision.shards import Share
from pytest_promotion.decision.waivers import apply
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import bundle, provenance
from pytest_promotion.evidence.judges import changed
from pytest_promotion.evidence.reading import read
from pytest_promotion.history.log import History, logged
from pytest_promotion.model import (
    CommandRun,
    Decision,
    Exhibit,
    GateResult,
    Granted,
    Judges,
    Requested,
    Scope,
    Status,
    Subject,
    Verdict,
)
from pytest_promotion.plugin import judging, outgoing, staging, statements
from pytest_promotion.plugin.one_process import OneProcess
from pytest_promotion.plugin.recorder import Recorder
from pytest_promotion.plugin.selection import Selection, project
from pytest_promotion.plugin.settings import Opening, Settings
from pytest_promotion.policy import producers
from pytest_promotion.reporting import json as as_json
from pytest_promotion.reporting import markdown as as_markdown
from pytest_promotion.reporting import terminal as as_lines
from pytest_promotion.reporting.exports import Forms, OthersReport, places_of
from pytest_promotion.reporting.publishing import ReportFolder, Sign
from pytest_promotion.reporting.pytest_junit import PytestReport
from pytest_promotion.text import legible

_COARSE = timedelta(seconds=2)  # how coarse file times are


def say_fail(folder: ReportFolder, opening: Opening, reason: str | None = None) -> None:
    """Makes `latest.json` say FAIL until this session has decided. Raises `pytest.exit` where it cannot."""
    try:
        profile, stage = opening.profile or "default", opening.stage
        folder.begin(as_json.provisional(opening.run_id, iso(opening.started), profile, reason, stage))
    except OSError as problem:
        said = (problem.strerror or "failed").lower()
        pytest.exit(legible(f"promotion: FAIL: {folder.path} cannot be written: {said}"), returncode=1)


class GateSession:
    """The decision of one pytest session, and the only owner of its exit code."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        recorder: Recorder,
        selection: Selection,
        folder: ReportFolder,
    ) -> None:
        self._config = config
        self._settings = settings
        self._recorder = recorder
        self._process = OneProcess()
        self._selection = selection
        self._folder = folder
        places = places_of(config.rootpath, settings.root)
        # A shard is a look at some gates: its merge is what GitHub is told about.
        tell = "off" if settings.share else settings.github
        # Nor is anything decided by which the reports of other plugins could be corrected.
        others = [] if settings.share else _reports_of_others(config, settings)
        self._forms = Forms(settings.sarif, settings.ctrf, settings.junit, tell, places, os.environ, others)
        self._refreshed: list[tuple[str, CommandRun]] = []
        self._granted: Granted | None = None
        self._stage = staging.StageGates(settings)
        self._judges = Judges()  # as they are when the session begins
        recorder.accept = self._accept
        self.document: dict[str, Any] | None = None
        self.path = ""

    def begin(self) -> None:
        """Takes away what an earlier session said, and runs the producers that the profile asks for."""
        self._forms.withdraw()
        settings = self._settings
        self._judges = judging.of_session(self._config, settings.policy)
        # A replay judges what is there.
        names = [] if settings.clock.as_of else settings.policy.rules.refresh
        root, cwd = settings.root, project(self._config) or self._config.rootpath
        sign = self._producer_signature()
        rules = settings.policy.rules
        for done in producers.refresh(names, settings.policy.producers, root, cwd, settings.vault(), sign, rules):
            if done.run is not None:
                self._refreshed.append((done.name, done.run))
            for problem in done.problems:
                self._recorder.ledger.problem(problem)

    def finish(self, session: pytest.Session) -> None:
        """Decides, writes, and sets the exit code."""
        self._process.end_others()
        self._recorder.close()
        try:
            decision = self._decide(session)
            if self._settings.share is None:
                decision = self._in_other_forms(session, decision)
                self._publish(decision)
            else:
                self._publish_shard(session, self._settings.share)
        except (OSError, Unproven, TimeoutError) as problem:
            said = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
            self._recorder.ledger.problem(f"the decision could not be written: {said}")
            decision = self._decide(session)
            self.document = as_json.document(decision)
            self._forms.write(self.document)
        session.exitstatus = self._exit_code(session, decision.verdict)
        self._config.hook.pytest_promotion_decided(config=self._config, decision=decision)

    def guard(self, session: pytest.Session) -> None:
        """The last word: 0 becomes 1 unless this session decided PASS, and the line that counts is printed."""
        passed = self.document is not None and self.document["passed"]
        if not session.exitstatus and not passed and not self._may_be_partial:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self.document is not None:
            why = as_lines.difference(self.document, self._recorder.tests)
            lines: list[as_lines.Line] = [(why, {})] if why else []
            outgoing.show(reporter, [*lines, as_lines.verdict(self.document, self.path)])

    def remarks(self) -> Iterator[str]:
        """What the log says beside the summary: annotations, and what could not be written."""
        if self.document is not None:
            yield from map(legible, self._forms.notes)
            yield from self._forms.annotations(self.document)

    @property
    def _may_be_partial(self) -> bool:
        status = self.document["status"] if self.document else ""
        return status == Status.PARTIAL.value and self._settings.policy.rules.partial == "allow"

    # --- deciding ---

    def _decide(self, session: pytest.Session) -> Decision:
        decision, share = decision_of(self._account(session)), self._settings.share
        if share is None:
            return decision
        # Even a share that has every critical gate says nothing about the candidate by itself.
        reasons = (*decision.verdict.reasons, f"this is shard {share}: merge all of them to decide")
        verdict = replace(decision.verdict, status=Status.PARTIAL, scope=Scope.PARTIAL, reasons=reasons)
        return replace(decision, verdict=verdict, valid_until=None)

    def _account(self, session: pytest.Session) -> Account:
        settings, ledger = self._settings, self._recorder.ledger
        results = list(ledger.results(self._selection.asks_for))
        root = settings.evidence_root()
        problems = [*ledger.problems, *bundle.changed_since(results, root), *statements.changed(results, settings)]
        problems += ledger.uncollected(self._selection.asks_for)
        if self._requested() in (Requested.ALL, Requested.CHOSEN) and settings.share is None:
            problems += unknown_gates(settings.policy, ledger.known_ids)
        problems += [f"{path} was asked for and is not there" for path in self._selection.missing]
        nothing_here = settings.share is not None and int(session.exitstatus) == pytest.ExitCode.NO_TESTS_COLLECTED
        problems += [] if ledger.problems or nothing_here else _unexplained(session)
        attachments, missing = self._attachments(root.path)
        manifest, lost = self._manifest(root)
        judges = judging.of_session(self._config, settings.policy)
        problems += changed(self._judges, judges)
        git = provenance.git_state(settings.root, set(judging.files_of(self._config)))
        now, subject = settings.clock.now(), provenance.subject_of(settings.subject, manifest, git)
        problems += self._stage.reserved(ledger.known_ids)
        results = self._stage.joined(results, subject, now)
        return Account(
            run_id=settings.run_id,
            now=now,
            as_of=settings.clock.as_of,
            rules_as_of=settings.rules_as_of,
            results=tuple(results),
            known=frozenset((*ledger.known_ids, *settings.policy.built_in)),
            problems=(*problems, *missing, *lost),
            requested=self._requested(),
            policy=settings.policy,
            policy_path=_relative(settings.policy_path, settings.root),
            judges=judges,
            policy_files=tuple(
                Exhibit(source.relative_to(settings.root), source.sha256, len(source.content), exists=True)
                for source in settings.policy.sources
            ),
            subject=subject,
            manifest=manifest,
            git=git,
            attachments=attachments,
            refreshed=tuple(self._refreshed),
            granted=_granted(settings, subject, now),
            not_applicable=settings.not_applicable,
        )

    def _requested(self) -> Requested:
        requested = self._selection.requested
        # A list of required gates that was given by hand leaves out what is not on it.
        chosen = requested is Requested.ALL and "required" in self._settings.policy.overrides
        return Requested.CHOSEN if chosen else requested

    def _accept(self, result: GateResult) -> GateResult:
        """*result* as it looks to those who read one gate's report before all is decided."""
        settings = self._settings
        if settings.policy.waivers is None or result.outcome not in WAIVABLE:
            return result
        now = settings.clock.now()
        if self._granted is None:
            manifest, _ = self._manifest(settings.evidence_root())
            subject = provenance.subject_of(settings.subject, manifest, provenance.git_state(settings.root))
            self._granted = _granted(settings, subject, now)
        own = [waiver for waiver in self._granted.waivers if waiver.gate == result.gate.id]
        [seen], _, _ = apply([result], own, now, settings.policy.rules.timestamps.skew)
        return seen

    def _manifest(self, root: Any) -> tuple[Exhibit | None, list[str]]:
        asked = self._settings.policy.rules.release_manifest
        if asked is None:
            return None, []
        try:
            reading = read(root, root.relative(asked), self._settings.vault())
        except (FileNotFoundError, Unproven) as problem:
            said = str(problem) if isinstance(problem, Unproven) else f"{asked} is missing"
            return Exhibit(asked, "", 0, exists=False), [f"the release manifest cannot be named: {said}"]
        name = root.relative(asked)
        digest, size = reading.sha256, reading.size_bytes
        return Exhibit(name, digest, size, exists=True, secret=reading.secret, kept=reading.kept), []

    def _attachments(self, root: Path) -> tuple[tuple[Exhibit, ...], list[str]]:
        """The reports that other plugins were asked for: listed by digest, and missed where they are not there."""
        found, missing = [], []
        for path in _asked_reports(self._config):
            item = bundle.attachment(path, root)
            found.append(item)
            started = self._settings.started - _COARSE
            if not item.exists or datetime.fromtimestamp(path.stat().st_mtime, UTC) < started:
                missing.append(f"{path.name} was asked for and was not written")
        return tuple(found), missing

    # --- telling ---

    def _in_other_forms(self, session: pytest.Session, decision: Decision) -> Decision:
        """The decision, once it is written in the other forms; another one where some of them could not be."""
        problems = self._forms.write(as_json.document(decision))
        if problems:
            for sentence in problems:
                self._recorder.ledger.problem(sentence)
            decision = self._decide(session)
            self._forms.write(as_json.document(decision))
        if not decision.attachments:
            return decision
        # pytest's JUnit file is another one since it was corrected.
        return replace(decision, attachments=self._attachments(self._settings.evidence_root().path)[0])

    def _publish(self, decision: Decision) -> None:
        vault = self._settings.vault()
        for source in self._settings.policy.sources:
            vault.keep(source.sha256, source.content)
        vault.sync(decision.evidence_digests)  # before there is a decision that names it
        replay, partial = decision.kind == "replay", decision.verdict.status is Status.PARTIAL
        # Neither a replay nor a look at some gates decides anything: the history is of decisions.
        history = None if replay or partial else History(self._folder.path)
        self.document = document = as_json.document(decision, history.head().document() if history else None)
        if partial and not replay:
            self._folder.withdraw()
        markdown = as_markdown.markdown(document)
        name, moment = (
            ("replay", self._settings.started) if replay else ("promotion_gates", parse_moment(decision.ts_utc))
        )
        place = self._folder.publish(
            f"{name}_{stamp(moment)}",
            document,
            markdown,
            latest=not replay and not partial,
            sign=None if partial else self._signer(document),
            log=(lambda name, content: history.append(logged(document, name, content))) if history else None,
        )
        self.path = os.path.relpath(place, self._config.invocation_params.dir)

    def _publish_shard(self, session: pytest.Session, share: Share) -> None:
        vault, account = self._settings.vault(), self._account(session)
        for source in self._settings.policy.sources:
            vault.keep(source.sha256, source.content)
        shard = shards.shard_of(account, share, self._recorder.ledger.collected)
        stem = f"shard_{share.index}of{share.count}_{stamp(account.now)}"
        content = shards.written(shard)
        files = {".json": content}
        if self._settings.sign is not None:
            from pytest_promotion.trust import shard_signatures
            from pytest_promotion.trust.keys import read_private

            key = read_private(self._settings.sign)
            files[shard_signatures.SUFFIX] = shard_signatures.signed(f"{stem}.json", content, account.run_id, key)
        place = self._folder.place(stem, files)
        self.document = as_json.document(self._decide(session))
        self.path = os.path.relpath(place, self._config.invocation_params.dir)

    def _signer(self, document: dict[str, Any]) -> Sign | None:
        if self._settings.sign is None:
            return None
        from pytest_promotion.trust import signing
        from pytest_promotion.trust.keys import read_private

        key = read_private(self._settings.sign)
        return lambda name, content: signing.signed(document, name, content, [key])

    def _producer_signature(self) -> producers.Sign | None:
        if self._settings.sign is None:
            return None
        from pytest_promotion.trust import dsse
        from pytest_promotion.trust.keys import read_private

        key = read_private(self._settings.sign)
        return lambda payload: dsse.sign(payload, dsse.IN_TOTO, [key]).line()

    def _exit_code(self, session: pytest.Session, verdict: Verdict) -> int:
        code = int(session.exitstatus)
        if self._may_be_partial:
            return code
        if verdict.status is not Status.PASS:
            return code or int(pytest.ExitCode.TESTS_FAILED)
        # Nothing failed but warning gates: pytest counts them, a promotion does not. What else it
        # counted, another test or a coverage threshold, keeps its code.
        if code == pytest.ExitCode.TESTS_FAILED and session.testsfailed <= self._recorder.failures:
            return int(pytest.ExitCode.OK)
        return code


def _granted(settings: Settings, subject: Subject | None, now: datetime) -> Granted:
    if settings.policy.waivers is None:
        return Granted()  # and nothing that checks signatures is imported
    from pytest_promotion.trust.waivers import granted

    return granted(settings.policy, subject, now)


def _unexplained(session: pytest.Session) -> list[str]:
    code = int(session.exitstatus)
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return []
    try:
        name = pytest.ExitCode(code).name.lower().replace("_", " ")
    except ValueError:
        name = "a code of its own"
    return [f"pytest ended with exit code {code}: {name}"]


def _asked_reports(config: pytest.Config) -> list[Path]:
    named = []
    if config.getoption("json_report", default=False):
        named.append(config.getoption("json_report_file", default=None))
    named.append(_junit_name(config))
    return [Path(os.path.abspath(config.invocation_params.dir / str(name))) for name in named if name]


def _junit_name(config: pytest.Config) -> str:
    return os.path.expanduser(os.path.expandvars(config.getoption("xmlpath", default=None) or ""))


def _reports_of_others(config: pytest.Config, settings: Settings) -> list[OthersReport]:
    found: list[OthersReport] = []
    name = _junit_name(config)
    if name:
        prefix = config.getoption("junitprefix", default=None) or ""
        path = Path(os.path.abspath(config.invocation_params.dir / name))
        found.append(PytestReport(path, prefix, (settings.started - _COARSE).timestamp()))
    if config.getoption("allure_report_dir", default=None):
        from pytest_promotion.plugin.allure_labels import results_of

        allure = results_of(config, settings.run_id)
        found += [allure] if allure is not None else []
    return found


def _relative(path: Path | None, root: Path) -> str | None:
    return None if path is None else Path(os.path.relpath(path, root)).as_posix()


def refuse_shadowed(written: Sequence[Written]) -> None:
    """Refuses two gates of one name in one scope: the first would never run."""
    for gate in written:
        if gate.shadows:
            raise pytest.UsageError(
                f"{gate.file} line {gate.line}: the gate {gate.id} replaces the one of line {gate.shadows}, "
                "which would never run; give it another name"
            )
