"""Shell scripts in gates whose exit code is not that of what they are run for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from pytest_promotion.assertions.syntax import last_name

_RUNNERS = ("command", "run", "call", "check_call", "check_output", "Popen", "system", "create_subprocess_shell")
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.")


def scripts(calls: Iterator[ast.Call]) -> Iterator[str]:
    """A sentence for each call that runs a script of which the exit code of a part is lost."""
    for call in calls:
        if last_name(call) in _RUNNERS:
            for script, stops in _scripts(call):
                lost = _lost(script, stops_at_failure=stops)
                if lost:
                    yield f"line {call.lineno} runs a shell script {lost}"


def _scripts(call: ast.Call) -> Iterator[tuple[str, bool]]:
    """The scripts that stand in a call, and whether the shell was started so that it stops at a failure."""
    if not call.args:
        return
    match call.args[0]:
        case ast.Constant(value=str() as script) if last_name(call) in ("system", "create_subprocess_shell"):
            yield script, False
        case ast.Constant(value=str() as script) if any(word.arg == "shell" for word in call.keywords):
            yield script, False
        case ast.List(elts=words) | ast.Tuple(elts=words):
            texts = [word.value if isinstance(word, ast.Constant) else None for word in words]
            if len(texts) > 2 and str(texts[0]).rpartition("/")[2] in _SHELLS:
                for option, text in pairwise(texts[1:]):
                    if isinstance(option, str) and isinstance(text, str) and re.fullmatch(r"-[a-z]*c", option):
                        yield text, "e" in option


def _lost(script: str, *, stops_at_failure: bool) -> str:
    bare = _QUOTED.sub("_", script)
    if re.search(r"\|\|\s*(true|:)(?=\s|;|$)", bare):
        return "that turns a failure into success (`|| true`)"
    if re.search(r"(?<!\|)\|(?!\|)", bare) and "pipefail" not in bare:
        return "with a pipe, of which only the last program's exit code counts; add `set -o pipefail`"
    stops = stops_at_failure or re.search(r"\bset -[a-z]*e", bare)
    if not stops and re.search(r"[;\n]\s*[^\s;]", bare.strip()) and not re.search(r"\b(if|for|while|case)\b", bare):
        return "of several commands, of which only the last one's exit code counts; join them with `&&`"
    return ""
