"""Which artifacts of a gate need a statement of what they were made from, and of which inputs it has to be."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pytest_promotion.policy.shape import NOTHING, GateRules, Rules


def demanded(rules: Rules, gate: GateRules, path: str) -> tuple[str, ...] | None:
    """
    The inputs that the artifact at *path* has to be about.

    Returns:
        none of them where it has to be about whatever its statement names, and None where it needs no statement.
    """
    if gate.about == NOTHING or (gate.about is None and rules.provenance == "optional"):
        return None
    from pytest_promotion.provenance.inputs import normal
    from pytest_promotion.provenance.statement import LISTING, SUFFIX

    if path.endswith((SUFFIX, LISTING)):
        return None
    about = {"*": gate.about} if isinstance(gate.about, list) else gate.about
    if isinstance(about, dict):
        lists = [inputs for pattern, inputs in about.items() if fnmatchcase(path, pattern)]
        inputs = tuple(dict.fromkeys(normal(one) for each in lists for one in each))
        if any(path == one or path.startswith(f"{one}/") for one in inputs):
            return None  # it is an input itself
        if inputs:
            return inputs
    if rules.provenance == "optional":
        return None
    excused = (pattern for one in rules.timestamps.ageless for pattern in one.artifacts)
    return None if any(fnmatchcase(path, pattern) for pattern in excused) else ()
