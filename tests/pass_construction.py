"""Finds the places in a source where a verdict of PASS could be built."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_FIELD = "status"


def constructions(source: str, allowed: str = "") -> Iterator[tuple[int, str]]:
    """
    Line and text of each expression in *source* that could give `Status.PASS` to something, and of each `Verdict(…)`.

    `Status.PASS` may be an operand of a comparison, a pattern of `match` and a key of a dictionary. In the function
    *allowed* it may be anything.
    """
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    names = {kind: _names_of(kind, tree) for kind in ("Status", "Verdict")}
    imported = (alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names)
    imports_it = not names.keys().isdisjoint(imported)
    annotations = {id(inner) for node in ast.walk(tree) for inner in _annotations(node)}
    for node in ast.walk(tree):
        if id(node) in annotations or (allowed and allowed in _functions(node, parents)):
            continue
        if _is(node, "Status", names):
            suspicious = _escapes(node, parents)
        elif isinstance(node, ast.Call):
            suspicious = _is(node.func, "Verdict", names) or _sets_status(node, spread=imports_it)
        else:
            suspicious = False
        if suspicious:
            shown = parents[node] if _is(node, "Status", names) else node
            yield node.lineno, ast.unparse(shown)


def _names_of(kind: str, tree: ast.Module) -> set[str]:
    """The names under which a module knows the class: by an import with `as`, or by an assignment."""
    found = {kind}
    nodes = list(ast.walk(tree))
    while True:
        before = len(found)
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                found |= {alias.asname for alias in node.names if alias.name == kind and alias.asname}
            elif isinstance(node, ast.Assign) and _is(node.value, kind, {kind: found}):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if len(found) == before:
            return found


def _is(node: ast.AST, kind: str, names: dict[str, set[str]]) -> bool:
    """Whether *node* is the class: `Status`, an alias of it, or `model.Status`."""
    if isinstance(node, ast.Name):
        return node.id in names[kind] and isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Attribute) and node.attr == kind


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        if (found := getattr(node, name, None)) is not None:
            yield from ast.walk(found)


def _functions(node: ast.AST | None, parents: dict[ast.AST, ast.AST]) -> Iterator[str]:
    """The names of the module's own functions around *node*; methods and inner functions are none."""
    while node is not None:
        above = parents.get(node)
        if isinstance(node, ast.FunctionDef) and isinstance(above, ast.Module):
            yield node.name
        node = above


def _escapes(status: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether this mention of the class is anything but one of its other members, or PASS where it is compared."""
    above = parents[status]
    if isinstance(above, ast.Assign):
        return not all(isinstance(target, ast.Name) for target in above.targets)  # an alias: followed
    if not isinstance(above, ast.Attribute) or above.attr not in ("PASS", "FAIL", "PARTIAL"):
        return not _is_check(status, above)
    return above.attr == "PASS" and not _is_compared(above, parents)


def _is_check(status: ast.AST, above: ast.AST) -> bool:
    """`isinstance(x, Status)`."""
    return isinstance(above, ast.Call) and getattr(above.func, "id", "") == "isinstance" and above.args[1:] == [status]


def _is_compared(value: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    above = parents[value]
    if isinstance(above, (ast.Tuple, ast.List, ast.Set)):  # `x in (Status.PASS, …)`
        value, above = above, parents[above]
        return isinstance(above, ast.Compare) and value in above.comparators
    return isinstance(above, (ast.Compare, ast.MatchValue)) or (isinstance(above, ast.Dict) and value in above.keys)


def _sets_status(call: ast.Call, *, spread: bool) -> bool:
    """
    `replace(verdict, status="PASS")`, `setattr(verdict, "status", …)` and `object.__setattr__(…)`.

    With *spread*, `replace(found, **fields)` is one too: the module knows verdicts, and the fields may hold anything.
    """
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "replace":
        fields = (_FIELD, None) if spread else (_FIELD,)
        return any(keyword.arg in fields and not _other(keyword.value) for keyword in call.keywords)
    constants = [one.value for one in call.args if isinstance(one, ast.Constant)]
    return name in ("setattr", "__setattr__") and _FIELD in constants


def _other(value: ast.expr) -> bool:
    """A member that is not PASS, spelled out."""
    return isinstance(value, ast.Attribute) and value.attr in ("FAIL", "PARTIAL")
