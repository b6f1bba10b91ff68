"""
Proofs in a session that decides: the policy asks for gates that were shown to be able to fail.

After its honest run, a gate is looked up by the digest of what it is now. Where there is no proof of that, it is
proven at once, and the proof kept, clean or not.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_promotion.decision import success
from pytest_promotion.decision.declared_gates import Written
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.model import Proven
from pytest_promotion.plugin import attempts
from pytest_promotion.plugin.attempts import Honest
from pytest_promotion.plugin.fixtures import GATE, NOTEBOOK, STORES
from pytest_promotion.plugin.gate_sources import GateSources
from pytest_promotion.plugin.proving import place_of
from pytest_promotion.plugin.selection import gate_folders
from pytest_promotion.plugin.settings import Settings
from pytest_promotion.plugin.suite_selection import declared
from pytest_promotion.prove import stored
from pytest_promotion.prove.observers import Answer, Watching
from pytest_promotion.prove.shapes import shapes_of
from pytest_promotion.prove.stored import StoredProof
from pytest_promotion.version import VERSION

_OF_OTHERS = frozenset(("gates", "prove", "refresh", "required"))  # rules that are none of this gate's


class SessionProver:
    """Proves the gates that one process runs."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._folder = settings.folder / stored.FOLDER
        self._sources_of_gates: dict[str, Written] | None = None  # read where they are needed, which is hardly ever
        self._sources = GateSources(config, gate_folders(config))
        self._common: dict[str, Any] | None = None
        self._vault: Vault | None = None
        self.found: dict[str, Proven] = {}  # by node id

    def prove(self, item: pytest.Item, book: Notebook, nextitem: pytest.Item | None) -> None:
        """Finds out whether the gate *item*, which has just passed with *book*, is proven."""
        if success.objection(book.record(), None, evidence_required=False) is not None:
            return  # it does not pass anyhow
        objection = attempts.body_not_entered(item, book, self._written)
        if objection:
            self.found[item.nodeid] = Proven("", f"{place_of(item)}: {objection}")
            return
        subject = self._subject(item, book)
        digest = stored.digest_of(subject)
        proof = self._kept(item, digest) or self._made(item, book, subject, digest, nextitem)
        self.found[item.nodeid] = Proven(digest, proof.objection)

    def _written(self, nodeid: str) -> Written | None:
        if self._sources_of_gates is None:
            found = declared(self._config, self._settings.policy)
            self._sources_of_gates = {f"{gate.file}::{gate.name}": gate for gate in found}
        return self._sources_of_gates.get(nodeid)

    # --- what a proof is of ---

    def _subject(self, item: pytest.Item, book: Notebook) -> dict[str, Any]:
        lens: Any = book.lens
        return {
            "gate": item.stash[GATE].id,
            "sources": self._sources.of(item),
            "policy": stored.digest_of(self._rules_of(item.stash[GATE].id)),
            "version": VERSION,
            "evidence": shapes_of(lens.looks),
            "programs": [[Path(run.argv[0]).name, run.exit_code == 0] for run in book.commands],
        }

    def _rules_of(self, gate_id: str) -> dict[str, Any]:
        """What the policy says of the gate, and of all gates."""
        policy = self._settings.policy
        if self._common is None:
            rules = msgspec.to_builtins(policy.rules)
            self._common = {
                "profile": policy.profile,
                "rules": {key: value for key, value in rules.items() if key not in _OF_OTHERS},
                "signers": policy.signers.sha256 if policy.signers else "",
                "min_kill_rate": policy.prove.min_kill_rate,
            }
        equivalent = [one for one in policy.prove.equivalent if fnmatchcase(gate_id, one.gate)]
        own = {"gate": policy.gate(gate_id), "equivalent": equivalent}
        return {**self._common, **msgspec.to_builtins(own)}

    # --- proofs ---

    def _kept(self, item: pytest.Item, digest: str) -> StoredProof | None:
        try:
            return stored.kept(self._folder, digest, item.stash[GATE].id)
        except Unproven:
            return None  # whatever it is, it is replaced by a proof

    def _made(
        self, item: pytest.Item, book: Notebook, subject: dict[str, Any], digest: str, nextitem: pytest.Item | None
    ) -> StoredProof:
        lens: Any = book.lens
        policy = self._settings.policy
        with self._evidence_of_its_own():
            honest = _watched(item, lens.answers)
            proof = attempts.prove(item, honest, place_of(item), policy, self._settings.clock.now(), programs=False)
        call = pytest.CallInfo.from_call(
            lambda: item.session._setupstate.teardown_exact(nextitem),  # noqa: SLF001 - to where the session was
            "teardown",
        )
        found = stored.summary(proof, subject, policy.prove.min_kill_rate)
        if call.excinfo is not None and found.proven:
            message = f"{place_of(item)}: its teardown failed when it was proven: {call.excinfo.value}"
            return msgspec.structs.replace(found, proven=False, objection=attempts.shown(message))
        if not proof.honest:  # else nothing was tried
            stored.keep(self._folder, digest, found)
        return found

    @contextlib.contextmanager
    def _evidence_of_its_own(self) -> Iterator[None]:
        """Keeps what sabotaged gates read out of the vault of the session."""
        if self._vault is None:
            place = tempfile.TemporaryDirectory(prefix="promotion-prove-")
            self._config.add_cleanup(place.cleanup)
            self._vault = Vault(Path(place.name))
        before = self._config.stash[STORES]
        self._config.stash[STORES] = (before[0], self._vault)
        try:
            yield
        finally:
            self._config.stash[STORES] = before


def _watched(item: pytest.Item, answers: list[Answer]) -> Honest:
    """
    A second honest run, which shows what the gate looks at.

    Its programs give the answers that they gave before: what they wrote is evidence by now, and may not change.
    """
    watching = Watching(answers)
    objection = attempts.attempt(item, watching)
    if objection and answers:
        objection = f"on the answers that its programs gave before, {objection}; its programs would have to run again"
    return Honest(watching, item.stash[NOTEBOOK].record(), objection and f"it does not pass a second time: {objection}")
