"""The files of one CI system for a repository, and what a person has to set for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pytest_promotion.suites.api import Adoption
from pytest_promotion.suites.release.pipelines.facts import NODE, PLAN, Facts, facts_of, uses_manager
from pytest_promotion.suites.release.pipelines.rendering import rendered

KINDS: Final = ("github", "gitlab", "jenkins")
_WRITTEN: Final = "Written by `promotion init --suite release --ci {kind}`, and yours to change."
_KNOWLEDGE: Final = ("kb-benchmark-monitor.yml", "kb-weekly-review.yml", "kb-monthly-checkpoint.yml")
_DRILL: Final = "rollback-drill.yml"
_GATE: Final = "promotion-gate.yml"
_WITHOUT: Final = {
    "knowledge": "no knowledge base was found, so nothing is written that runs every week",
    "deployment": "no deployment target was found (a compose file, promotion.environments.yaml), so neither a "
    "deployment nor a drill is written",
}


def workflows(root: Path, kind: str, gates: str = "gates") -> Adoption:
    """The files for the CI system *kind*, one of `KINDS`, of the repository at *root*, with its gates in *gates*."""
    facts = facts_of(root, gates)
    return Adoption(files=dict(files(facts, kind, root)), notes=tuple(_notes(facts, kind, root)))


def files(facts: Facts, kind: str, root: Path | None = None) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file for the CI system *kind*."""
    values = _values(facts, kind)
    if kind == "github":
        yield from _of_github(facts, values)
    elif kind == "gitlab":
        yield ".gitlab/promotion.yml", rendered("gitlab/promotion.yml", values).encode()
        if root is not None and not (root / ".gitlab-ci.yml").exists():
            yield ".gitlab-ci.yml", rendered("gitlab/include.yml", values).encode()
    else:
        yield _jenkinsfile(root), rendered("jenkins/Jenkinsfile", values).encode()


def _of_github(facts: Facts, values: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    names = [_GATE, *(_KNOWLEDGE if facts.knowledge else ()), *([_DRILL] if facts.deployment else ())]
    for name in names:
        yield f".github/workflows/{name}", rendered(f"github/{name}", values).encode()
    if len(names) > 1:
        yield ".github/actions/restore-history/action.yml", rendered("github/restore-history.yml", values).encode()


def _jenkinsfile(root: Path | None) -> str:
    return "Jenkinsfile.promotion" if root is not None and (root / "Jenkinsfile").exists() else "Jenkinsfile"


def _values(facts: Facts, kind: str) -> dict[str, Any]:
    managers = {"pnpm": "corepack enable", "yarn": "corepack enable", "bun": "npm install --global bun"}
    return {
        "written": facts.written or _WRITTEN.format(kind=kind),
        "and_deployment": " and, by hand, the deployment that they allow" if facts.deployment else "",
        "root": facts.root,
        "below": "" if facts.root == "." else f"{facts.root}/",
        "elsewhere": facts.root != ".",
        "in_root": "" if facts.root == "." else f" -C {facts.root}",
        "gates": facts.gates,
        "policy": facts.policy,
        "branch": facts.branch,
        "python": facts.python,
        "install": facts.install,
        # Beside a key and beside what runs, nothing that the candidate asks for is installed.
        "tool": facts.tool or facts.install[-1:],
        "prepare": facts.prepare,
        "node": _node(facts.node) if kind == "github" else facts.node,
        "manager": managers.get(facts.manager, "") if uses_manager(facts) else "",
        "simulation": facts.simulation,
        "env_file": facts.env_file,
        "gate_secrets": _secrets(facts) if kind == "github" else (),
        "knowledge": facts.knowledge,
        "deployment": facts.deployment,
        "image": f"nikolaik/python-nodejs:python{facts.python}-nodejs{NODE}"
        if facts.node
        else f"python:{facts.python}",
        "runs": ", ".join(f"'{one}'" for one in _runs(facts)),
        "credentials": _credentials(facts),
        "compose": " ".join(f"--compose {shlex.quote(one)}" for one in facts.compose),
        "compose_values": shlex.quote(facts.compose_values) if facts.compose_values else "",
        "plan": facts.plan or PLAN,
        "public_key": facts.public_key,
    }


def _runs(facts: Facts) -> Iterator[str]:
    yield "gate"
    if facts.knowledge:
        yield from ("knowledge", "checkpoint")
    if facts.deployment:
        yield "drill"


def _credentials(facts: Facts) -> str:
    """The credentials of Jenkins that the gates judge; where it writes the env file, they are in that."""
    return ", ".join(f"string(credentialsId: '{name}', variable: '{name}')" for name in facts.secrets)


def _node(found: str) -> str:
    if not found:
        return ""
    return f'node-version: "{found}"' if found.isdigit() else f"node-version-file: {found}"


def _secrets(facts: Facts) -> tuple[str, ...]:
    """The variables that the gates judge, as lines that give them to a step."""
    lines = [f"{name}: ${{{{ secrets.{name} }}}}" for name in facts.secrets]
    return (*lines, "APP_ENV: ${{ vars.APP_ENV }}") if lines else ()


def _notes(facts: Facts, kind: str, root: Path) -> Iterator[str]:
    for name, note in _WITHOUT.items():
        if not getattr(facts, name):
            yield f"--ci {kind}: {note}"
    where = {"github": "the environments staging and prod", "gitlab": "CI/CD variables", "jenkins": "credentials"}[kind]
    wanted = [f"ENV_FILE, the content of {facts.env_file}"] if facts.env_file else list(facts.secrets)
    variables = [] if facts.env_file else ["for prod the variable APP_ENV"]
    yield f"set in {where}: {', '.join([*wanted, *variables])}"
    if facts.deployment:
        yield (
            "to deploy: `promotion keygen promotion.key`, its content as the secret PROMOTION_KEY_PEM, its public half "
            f"as {facts.public_key}; a runner (PROMOTION_DEPLOY_RUNNER), PROMOTION_RUNTIME and PROMOTION_HEALTH_URLS"
        )
        if not facts.plan:
            yield (
                f"parity: there is no plan of what a service is asked; the job after a deployment fails until {PLAN} "
                "is one (docs/how-to/deployment.md), or until it is taken out by a person"
            )
    if kind == "gitlab" and (root / ".gitlab-ci.yml").exists():
        yield "add to .gitlab-ci.yml: include: [{local: .gitlab/promotion.yml}]"
    if kind == "jenkins":
        yield f"make a pipeline job of {_jenkinsfile(root)}, with a schedule for what runs by the clock"
