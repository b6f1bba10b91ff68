"""
Instrumenting the source of gates, so that a tally sees what their bodies judge.

The tree of a module passes through here after pytest has rewritten its assertions, whose explanations are
therefore those of the source as it is written. What is inserted calls `runtime`, and changes no value.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pytest_promotion.assertions.expressions import Expressions
from pytest_promotion.assertions.inserted import (
    MARK,
    RUNTIME,
    is_mark,
    mark,
    put_first,
    statement,
)
from pytest_promotion.assertions.judging import (
    ASSERTING,
    both_read,
    called_function,
    chain,
    expects,
    fails,
    is_expecting,
    is_sampled,
    may_judge,
    passes_over,
    presence,
    stands_in,
    suppresses,
)
from pytest_promotion.assertions.operands import show_operands
from pytest_promotion.assertions.sources import (
    NOTHING,
    Place,
    is_constant,
    of_conditions,
    place,
)
from pytest_promotion.assertions.syntax import MEASURES, last_name

_FAILING = ("fail", "xfail", "skip", "skipTest")
_MISSING = ("isna", "isnull", "notna", "notnull", "hasnans", "null_count", "is_null", "is_nan", "isnan")
_ANY_FAILURE = ("Exception", "BaseException")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = TypeVar("_Function", ast.FunctionDef, ast.AsyncFunctionDef)


class Plan:
    """What is asked of a module before its assertions are rewritten, and changed in it: the operands are shown."""

    def __init__(self, tree: ast.Module) -> None:
        self.rests_on: dict[int, frozenset[Place]] = {}  # what each statement rests on, by its line
        for node in ast.walk(tree):
            if isinstance(node, _FUNCTIONS):
                for line, sources in of_conditions(node).items():
                    self.rests_on[line] = self.rests_on.get(line, NOTHING) | sources
        self.equalities: Mapping[Place, str] = show_operands(tree)


def instrument(tree: ast.Module, plan: Plan, file: str) -> None:
    """Inserts the calls into *tree*, of which *plan* was made and *file* is the name in sentences."""
    _Statements(plan, file).visit(tree)
    start = next((number for number, node in enumerate(tree.body) if not _is_prologue(node)), len(tree.body))
    alias = ast.alias("pytest_promotion.assertions.runtime", RUNTIME)
    tree.body.insert(start, ast.Import([alias], lineno=1, col_offset=0))
    for node in ast.walk(tree):
        # Of what pytest inserts, only the start is known.
        if getattr(node, "end_lineno", None) is None and hasattr(node, "lineno"):
            node.end_lineno, node.end_col_offset = node.lineno, node.col_offset  # type: ignore[attr-defined]
    ast.fix_missing_locations(tree)


def _is_prologue(node: ast.stmt) -> bool:
    """Whether *node* has to stand before an import."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _asks_what_is_missing(function: _Function) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr in _MISSING for one in ast.walk(function))


class _Statements(Expressions):
    """Inserts the calls around statements."""

    def __init__(self, plan: Plan, file: str) -> None:
        super().__init__(plan.equalities, file)
        self._rests_on = plan.rests_on
        self._pytest = {"pytest", "self"}
        self._marked: set[tuple[int, int]] = set()  # where assertions start whose conditions call functions

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        self._pytest |= {one.asname for one in node.names if one.name == "pytest" and one.asname}
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        return self._function(node)

    def _function(self, node: _Function) -> _Function:
        counts, self._counts_missing = self._counts_missing, _asks_what_is_missing(node)
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        self._counts_missing = counts
        if node.name.startswith("test"):
            put_first(node, "enter", node.name)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        """An assertion that pytest does not rewrite."""
        node.test = self._seen("truth", self._deciding(node.test), node)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        if not self._depth:
            return self._visited(node)
        if _is_rewritten_assertion(node) and isinstance(node.test, ast.UnaryOp):
            node.test.operand = self._seen("truth", self._deciding(node.test.operand), node)
            return node
        marked = [self._marking(node)] if called_function(node.test) is not None else []
        guards, passes = fails(node.body), fails(node.orelse)
        left_out = presence(node.test) if may_judge(node.body) and not node.orelse else None
        if guards or passes:
            node.test = self._deciding(node.test)
            node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        else:
            self.generic_visit(node)
        if guards:
            node.test = self._seen("guard", node.test, node)
        elif passes:
            node.test = ast.UnaryOp(ast.Not(), self._seen("guard", ast.UnaryOp(ast.Not(), node.test), node))
        elif left_out is not None:
            node.test = self._call("passed_by", node.test, ast.Constant(left_out), *self._at(node), self._sources(node))
        return [*marked, node]

    def visit_For(self, node: ast.For) -> ast.stmt | list[ast.stmt]:
        source, searches = place(node.iter), fails(node.orelse)
        judged = may_judge(node.body) and not fails(node.body) and not is_constant(node.iter)
        self.generic_visit(node)
        if not self._depth:
            return node
        node.iter = self._each(node.iter, source)
        if searches:
            return self._searched(node)
        return [node, statement("looped", node, self._source(source), *self._at(node))] if judged else node

    def visit_While(self, node: ast.While) -> ast.stmt | list[ast.stmt]:
        searches = fails(node.orelse)
        self.generic_visit(node)
        return self._searched(node) if searches else node

    def _searched(self, node: ast.For | ast.While) -> ast.stmt | list[ast.stmt]:
        """A loop that fails without a `break`: after it, something was found."""
        return [node, statement("judged", node)] if self._depth else node

    def visit_With(self, node: ast.With) -> ast.stmt | list[ast.stmt]:
        expecting = [item for item in node.items if expects(item.context_expr)] if self._depth else []
        suppressing = [item for item in node.items if suppresses(item.context_expr)] if self._depth else []
        self.generic_visit(node)
        for item in suppressing:
            item.context_expr = self._call("suppressing", item.context_expr, *self._at(node))
        for item in expecting:
            item.context_expr = self._call("expected", item.context_expr, *self._at(node))
        return [node, statement("judged", node)] if expecting else node

    def visit_Raise(self, node: ast.Raise) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if not self._depth or node.exc is None or last_name(node.exc) != "AssertionError":
            return node
        return [statement("failing", node, ast.Constant("raise AssertionError"), *self._at(node)), node]

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        passed_over = passes_over(node) if self._depth else ""
        self.generic_visit(node)
        broad = node.type is None or last_name(node.type) in _ANY_FAILURE
        if passed_over:
            node.body.insert(0, statement("skipped", node.body[0], *self._at(node), ast.Constant(passed_over)))
        for inner in node.body if self._depth else []:
            if not isinstance(inner, (ast.Assign, ast.Return)) or inner.value is None:
                continue
            # That one kind of failure was seen may be what is judged; that anything went wrong is not.
            if stands_in(inner.value, numbers=True) and (broad or ast.unparse(inner.value) != "True"):
                inner.value = self._call("fallback", inner.value, *self._at(node))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        if is_mark(node):  # inserted before assertions were rewritten
            self._marked.add(_start(node))
            return node
        if (
            isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Attribute)
            and not is_constant(node.value.value)
        ):
            self._attributes[node.targets[0].id] = node.value.attr
        before, self._decides = self._decides, self._decides or _is_rewritten_name(node.targets[0])
        found = self._settled(node, node.value, node.targets)
        self._decides = before
        return found

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | list[ast.stmt]:
        return self._settled(node, node.value, [node.target])

    def _settled(
        self, node: ast.stmt, value: ast.expr | None, targets: Sequence[ast.expr]
    ) -> ast.stmt | list[ast.stmt]:
        """*node*, after which it is known whether the functions that it calls found anything."""
        ours = any(isinstance(one, ast.Name) and not one.id.startswith("@") for one in targets)
        called = called_function(value) if self._depth and ours and value is not None else None
        self.generic_visit(node)
        if called is None:
            return node
        return [mark(node), node, statement("settle", node, self._source(called), ast.Name(MARK, ast.Load()))]

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if not self._depth or not isinstance(call, ast.Call):
            return self._visited(node)
        names, sources = list(chain(call)), self._sources(node)
        if names[-1] == RUNTIME:
            return node  # inserted before assertions were rewritten
        name = names[0]
        marked = [mark(node)] if called_function(call) is not None else []
        since = [ast.Name(MARK, ast.Load())] if marked else []
        asserts = any(one.startswith(ASSERTING) for one in names)
        read = len(call.args) >= 3 and name in MEASURES and both_read(*call.args[1:3]) == "counts"
        before, self._decides = self._decides, self._decides or is_sampled(names)
        self.generic_visit(node)
        self._decides = before
        if isinstance(node.value, ast.Call):
            if read:
                node.value = self._called("measured", node.value, *self._at(node))
            elif asserts and len(call.args) > 1:
                node.value = self._called("compared_by", node.value, *self._at(node))
            checks = bool(names[1:]) and names[-1] == "check"
            node.value = self._call("checked" if checks else "discarded", node.value, *self._at(node))
        if is_expecting(name) and len(call.args) > 1:
            call.args[0] = self._call("expected", call.args[0], *self._at(node))
            return [node, statement("judged", node)]
        if name in _FAILING and (len(names) == 1 or names[-1] in self._pytest):
            return [statement("failing", node, ast.Constant(name), *self._at(node)), node]
        if asserts or (names[1:] and names[-1] == "check"):
            end = statement("end", node, *self._at(node), sources, *since)
            return [*marked, statement("begin", node, *self._at(node)), node, end]
        if (name in MEASURES or is_sampled(names)) and sources.value:
            # A measurement of nothing that was found is taken back.
            stop = statement("stop", node, *self._at(node), sources, *since)
            return [*marked, statement("start", node), node, stop]
        return node

    def _deciding(self, test: ast.expr) -> ast.expr:
        """*test*, visited as what decides an assertion or a guard."""
        before, self._decides = self._decides, True
        found: ast.expr = self.visit(test)
        self._decides = before
        return found

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for node in body:
            visited = self.visit(node)
            found += visited if isinstance(visited, list) else [visited]
        return found

    def _sources(self, node: ast.stmt) -> ast.Constant:
        sources = sorted(self._rests_on.get(node.lineno, NOTHING))
        return ast.Constant(tuple((self._file, *one) for one in sources))  # type: ignore[arg-type] # see above

    def _seen(self, name: str, test: ast.expr, node: ast.stmt) -> ast.expr:
        mark = [ast.Name(MARK, ast.Load())] if _start(node) in self._marked else []
        return self._call(name, test, *self._at(node), self._sources(node), *mark)

    def _marking(self, node: ast.stmt) -> ast.stmt:
        """A mark before *node*, whose condition is then judged by what was looked at since."""
        self._marked.add(_start(node))
        return mark(node)


def _start(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_rewritten_name(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id.startswith("@py")


def _is_rewritten_assertion(node: ast.If) -> bool:
    """Whether pytest made *node* from an assertion."""
    if not (isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not) and node.body):
        return False
    last = node.body[-1]
    if not (isinstance(last, ast.Raise) and isinstance(last.exc, ast.Call)):
        return False
    return any(isinstance(one, ast.Name) and one.id.startswith("@py") for one in ast.walk(last.exc))
