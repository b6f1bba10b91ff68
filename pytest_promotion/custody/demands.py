"""What is demanded of a decision before it is acted on, and what was found against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

FLAGS: Final = {  # by the demand that each does without
    "profile": "--any-profile",
    "policy": "--any-policy",
    "subject": "--any-subject",
    "signature": "--allow-unsigned",
    "clean": "--allow-dirty",
    "newest": "--allow-superseded",
}


@dataclass(frozen=True, slots=True)
class Acting:
    """
    Who acts on a decision: what is asked for, and which demands are done without.

    Attributes:
        profile: the one that the decision has to be of; "" for the one without a name.
        stage: the stage that the decision has to be about; "" for any or none.
        environment: what is deployed to, "" where nothing is. With `stage` empty, and where the policy has a stage of
            this name, the decision has to be about that stage.
        policy: the file whose rules, resolved for the profile, the decision has to be judged by; None for the
            promotion.yaml of the folder, if it has one, by its name.
        without: keys of `FLAGS`.
        folder: where what is promoted lies, if no subject is named; None where nothing lies anywhere.
        archived: whether only what the commit has is promoted, whatever else lies in the folder.
        history: the folder of the log, other than the one of the decision.
        anchors: where heads of the log are kept outside of it, each of which the log has to agree with.
        signing: whether it is about to be signed: everything is demanded except the signature.
    """

    profile: str = ""
    stage: str = ""
    environment: str = ""
    policy: Path | None = None
    without: frozenset[str] = frozenset()
    folder: Path | None = None
    archived: bool = False
    history: Path | None = None
    anchors: tuple[str, ...] = ()
    signing: bool = False


@dataclass(slots=True)
class Found:
    """What speaks against acting, what is not known, and what was done without, each a sentence."""

    against: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)

    def waive(self, demand: str, acting: Acting, sentence: str) -> bool:
        """Whether *demand* is done without, which is then noted with what it would have found."""
        if demand in acting.without:
            self.without.append(f"{FLAGS[demand]}: {sentence}")
        return demand in acting.without

    def refuse(self, demand: str, acting: Acting, sentence: str, advice: str = "") -> None:
        """Counts *sentence* against the decision, with what helps, unless *demand* is done without."""
        if not self.waive(demand, acting, sentence):
            self.against.append(f"{sentence}: {advice}" if advice else sentence)

    def doubt(self, demand: str, acting: Acting, sentence: str) -> None:
        """Leaves the question open by *sentence*, unless *demand* is done without."""
        if not self.waive(demand, acting, sentence):
            self.unknown.append(sentence)
