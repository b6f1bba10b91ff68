"""
Everything that knows about workers.

The controller collects nothing and runs nothing: it learns the plan from the workers, the
outcome from their reports, and that a worker died from its silence. What a worker sends is
text only, because the transport drops what it cannot serialise, and a lost report is a
lost failure.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promotion.decision.ledger import Ledger
from pytest_promotion.decision.wire import Envelope, pack, unpack
from pytest_promotion.model import Proven
from pytest_promotion.plugin.recorder import Collector, Recorder
from pytest_promotion.plugin.settings import Settings, to_worker
from pytest_promotion.text import legible

if TYPE_CHECKING:
    from pytest_promotion.plugin.proving import ProvingSession

_OUTPUT = "promotion"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for a controller."""
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Whether this process has workers that run the tests."""
    return not is_worker(config) and bool(config.getoption("dist", "no") != "no" and config.getoption("tx", None))


class Worker:
    """Sends home what a worker collected, once, at its end."""

    def __init__(self, config: pytest.Config, collector: Collector) -> None:
        self._config = config
        self._collector = collector

    @property
    def _proofs(self) -> dict[str, Proven]:
        return self._collector.prover.found if self._collector.prover else {}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        found = self._collector.collected
        self._config.workeroutput[_OUTPUT] = json.dumps(  # type: ignore[attr-defined] # set by xdist
            {
                "refusal": legible(found.refusal),
                "planned": [pack(Envelope(gate)) for gate in found.planned],
                "deselected": [pack(Envelope(gate)) for gate in found.deselected],
                "stray": self._collector.stray,
                "proofs": {nodeid: asdict(proof) for nodeid, proof in self._proofs.items()},
            }
        )


class Controller:
    """Hands the settings to the workers and takes the plan from them."""

    def __init__(self, settings: Settings, recorder: Recorder) -> None:
        self._settings = settings
        self._recorder = recorder

    @property
    def _ledger(self) -> Ledger:
        return self._recorder.ledger

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput.update(to_worker(self._settings))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        for nodeid in ids:
            if self._recorder.is_gate(nodeid):
                self._ledger.plan_unseen(nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        name = node.gateway.id
        # A worker that died has no `workeroutput` at all; one that was told to go has no error.
        text = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if error:
            self._ledger.problem(f"the worker {name} died: {legible(str(error).strip().splitlines()[-1])}")
        if text is None:
            self._ledger.problem(f"the worker {name} ended without saying what it collected")
            return
        said = json.loads(text)
        if said["refusal"]:
            self._ledger.problem(said["refusal"])
            raise pytest.UsageError(said["refusal"])
        for key, add in (("planned", self._ledger.plan), ("deselected", self._ledger.deselect)):
            for packed in said[key]:
                envelope = unpack(packed)
                if envelope.gate is not None:
                    add(envelope.gate)
                else:  # its severity and what it requires are not known
                    self._ledger.problem(f"the worker {name} sent a gate that cannot be read: {envelope.sentence}")
        for sentence in said["stray"]:
            self._ledger.problem(sentence)
        for nodeid, proof in said["proofs"].items():
            self._ledger.prove(nodeid, Proven(**proof))


class ProvingController:
    """Hands the settings to workers that prove gates, and misses those that die of it."""

    def __init__(self, settings: Settings, proving: ProvingSession) -> None:
        self._settings = settings
        self._proving = proving

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput.update(to_worker(self._settings))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        text = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if error or text is None:
            self._proving.problem(f"the worker {node.gateway.id} died while it proved gates")
        elif refusal := json.loads(text)["refusal"]:
            raise pytest.UsageError(refusal)
