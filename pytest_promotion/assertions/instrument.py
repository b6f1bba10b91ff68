"""
Instrumenting the source of gates, so that a tally sees what their bodies judge.

The tree of a module passes through here after pytest has rewritten its assertions, whose explanations are
therefore those of the source as it is written. What is inserted calls `runtime`, and changes no value.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pytest_promotion.assertions.sources import (
    ARRAY_REDUCTIONS,
    COMPREHENSIONS,
    LOOKUPS,
    NOTHING,
    Place,
    is_array_reduction,
    is_function,
    is_lookup,
    is_reduction,
    is_selection,
    of_conditions,
    place,
)
from pytest_promotion.assertions.syntax import MEASURES, last_name, own_nodes

RUNTIME = "@promotion"  # no name of a program can be equal to it
MARK = "@mark"  # nor to this: what was looked at before a condition, a variable of each function
_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_FAILING = ("fail", "xfail", "skip", "skipTest")
_ASSERTING = ("assert", "demand", "expect")  # how the names of functions start that raise where something does not hold
_EXPECTING = ("raises", "warns", "deprecated_call", "RaisesGroup")
_ANY_FAILURE = ("Exception", "BaseException")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = TypeVar("_Function", ast.FunctionDef, ast.AsyncFunctionDef)
_Node = TypeVar("_Node", bound=ast.AST)


def plan(tree: ast.Module) -> dict[int, frozenset[Place]]:
    """What each statement of *tree* rests on, by its line: to be asked before assertions are rewritten."""
    found: dict[int, frozenset[Place]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            for line, sources in of_conditions(node).items():
                found[line] = found.get(line, NOTHING) | sources
    return found


def show_operands(tree: ast.Module) -> None:
    """
    Lets the tally see the operands of `and`, `or` and `not` in the assertions of *tree*.

    As subscripts, which the rewriting of assertions explains by their value and looks no further into.
    """
    _Assertions().visit(tree)


class _Assertions(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        return self._function(node)

    def _function(self, node: _Function) -> _Function:
        count = sum(map(_judges, own_nodes(node)))
        self.generic_visit(node)
        if count:
            _put_first(node, "expects", count)
        return node

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        node.test = _Operands().visit(node.test)
        return [_mark(node), node] if _calls_function(node.test) else [node]


class _Operands(ast.NodeTransformer):
    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        node.values = [self._shown(value) for value in node.values]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Not):
            node.operand = self._shown(node.operand)
        return node

    def _shown(self, value: ast.expr) -> ast.expr:
        if not isinstance(value, (ast.Name, ast.Attribute)):
            return self.visit(value)  # type: ignore[no-any-return] # an expression stays one
        return ast.copy_location(ast.Subscript(_runtime("operands"), value, ast.Load()), value)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        return node  # only what decides the truth of the whole


def instrument(tree: ast.Module, rests_on: dict[int, frozenset[Place]], file: str) -> None:
    """Inserts the calls into *tree*, of which *rests_on* is the plan and *file* the name in sentences."""
    _Instrument(rests_on, file).visit(tree)
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


class _Instrument(ast.NodeTransformer):
    def __init__(self, rests_on: dict[int, frozenset[Place]], file: str) -> None:
        self._rests_on = rests_on
        self._file = file
        self._depth = 0  # of functions: what a module does while it is imported judges nothing
        self._pytest = {"pytest", "self"}
        self._attributes: dict[str, str] = {}  # by the name that the rewriting of assertions gave to their value
        self._marked: set[tuple[int, int]] = set()  # where assertions start whose conditions call functions
        self._decides = False  # whether what is visited decides an assertion or a guard

    # --- statements ---

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        self._pytest |= {one.asname for one in node.names if one.name == "pytest" and one.asname}
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        return self._function(node)

    def _function(self, node: _Function) -> _Function:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        if node.name.startswith("test"):
            _put_first(node, "enter", node.name)
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
        marked = [self._marking(node)] if _calls_function(node.test) else []
        fails, passes = _fails(node.body), _fails(node.orelse)
        if fails or passes:
            node.test = self._deciding(node.test)
            node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        else:
            self.generic_visit(node)
        if fails:
            node.test = self._seen("guard", node.test, node)
        elif passes:
            node.test = ast.UnaryOp(ast.Not(), self._seen("guard", ast.UnaryOp(ast.Not(), node.test), node))
        return [*marked, node]

    def visit_For(self, node: ast.For) -> ast.stmt | list[ast.stmt]:
        source, searches = place(node.iter), _fails(node.orelse)
        self.generic_visit(node)
        if self._depth:
            node.iter = self._each(node.iter, source)
        return self._searched(node) if searches else node

    def visit_While(self, node: ast.While) -> ast.stmt | list[ast.stmt]:
        searches = _fails(node.orelse)
        self.generic_visit(node)
        return self._searched(node) if searches else node

    def _searched(self, node: ast.For | ast.While) -> ast.stmt | list[ast.stmt]:
        """A loop that fails without a `break`: after it, something was found."""
        return [node, _statement("judged", node)] if self._depth else node

    def visit_With(self, node: ast.With) -> ast.stmt | list[ast.stmt]:
        expecting = [item for item in node.items if _expects(item.context_expr)] if self._depth else []
        self.generic_visit(node)
        for item in expecting:
            item.context_expr = self._call("expected", item.context_expr, *self._at(node))
        return [node, _statement("judged", node)] if expecting else node

    def visit_Raise(self, node: ast.Raise) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if not self._depth or node.exc is None or last_name(node.exc) != "AssertionError":
            return node
        return [_statement("failing", node, ast.Constant("raise AssertionError"), *self._at(node)), node]

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        self.generic_visit(node)
        broad = node.type is None or last_name(node.type) in _ANY_FAILURE
        for inner in node.body if self._depth else []:
            if not isinstance(inner, (ast.Assign, ast.Return)) or inner.value is None:
                continue
            # That one kind of failure was seen may be what is judged; that anything went wrong is not.
            if _is_favourable(inner.value) and (broad or ast.unparse(inner.value) != "True"):
                inner.value = self._call("fallback", inner.value, *self._at(node))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        if _is_mark(node):  # inserted before assertions were rewritten
            self._marked.add(_start(node))
            return node
        if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Attribute):
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
        called = _called_function(value) if self._depth and ours and value is not None else None
        self.generic_visit(node)
        if called is None:
            return node
        return [_mark(node), node, _statement("settle", node, self._source(called), ast.Name(MARK, ast.Load()))]

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if not self._depth or not isinstance(call, ast.Call):
            return self._visited(node)
        chain, sources = list(_chain(call)), self._sources(node)
        if chain[-1] == RUNTIME:
            return node  # inserted before assertions were rewritten
        name = chain[0]
        marked = [_mark(node)] if _calls_function(call) else []
        mark = [ast.Name(MARK, ast.Load())] if marked else []
        self.generic_visit(node)
        if isinstance(node.value, ast.Call):
            checks = bool(chain[1:]) and chain[-1] == "check"
            node.value = self._call("checked" if checks else "discarded", node.value, *self._at(node))
        if name in _EXPECTING and len(call.args) > 1:
            call.args[0] = self._call("expected", call.args[0], *self._at(node))
            return [node, _statement("judged", node)]
        if name in _FAILING and (len(chain) == 1 or chain[-1] in self._pytest):
            return [_statement("failing", node, ast.Constant(name), *self._at(node)), node]
        if any(one.startswith(_ASSERTING) for one in chain) or (chain[1:] and chain[-1] == "check"):
            end = _statement("end", node, *self._at(node), sources, *mark)
            return [*marked, _statement("begin", node, *self._at(node)), node, end]
        if name in MEASURES and sources.value:
            # A measurement of nothing that was found is taken back.
            stop = _statement("stop", node, *self._at(node), sources, *mark)
            return [*marked, _statement("start", node), node, stop]
        return node

    # --- expressions ---

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        source = place(node.iter)
        self.generic_visit(node)
        if self._depth and not node.is_async:
            node.iter = self._each(node.iter, source)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not self._depth:
            return self._visited(node)
        self.generic_visit(node)
        source = place(node)
        if is_reduction(node):
            if node.func.id == "all" or not isinstance(node.args[0], COMPREHENSIONS):  # type: ignore[attr-defined]
                node.args[0] = self._each(node.args[0], source)
            return node
        if is_selection(node):
            node.args[1] = self._each(node.args[1], source)
            return node
        if is_array_reduction(node) or self._is_rewritten(node, ARRAY_REDUCTIONS):
            named = [ast.keyword(word.arg, word.value) for word in node.keywords]
            return self._call("reduced", node.func, self._source(source), *node.args, keywords=named)
        if isinstance(node.func, ast.Name) and node.func.id == "bool" and len(node.args) == 1:
            node.args[0] = ast.copy_location(ast.Subscript(_runtime("operands"), node.args[0], ast.Load()), node)
            return node
        if is_lookup(node) or self._is_rewritten_lookup(node):
            return self._call("lookup", node.func, self._source(source), *node.args)
        if isinstance(node.func, ast.Name) and node.func.id in ("min", "max") and node.args:
            named = [ast.keyword(word.arg, word.value) for word in node.keywords]
            return self._call("extreme", node.func, *self._at(node), *node.args, keywords=named)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if not self._depth or len(node.ops) != 1 or not isinstance(node.ops[0], (*_ORDERED, ast.NotEq, ast.In)):
            return node
        operator = ast.Constant(type(node.ops[0]).__name__)
        name = "ordered" if isinstance(node.ops[0], _ORDERED) else "compared"
        decides = [ast.Constant(value=True)] if self._decides and name == "ordered" else []
        return self._call(name, operator, *self._at(node), node.left, node.comparators[0], *decides)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        if self._depth and isinstance(node.op, ast.Or) and _is_favourable(node.values[-1]):
            node.values[-1] = self._call("fallback", node.values[-1], *self._at(node))
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        looks = isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], (ast.In, ast.IsNot))
        self.generic_visit(node)
        if self._depth and looks and _is_favourable(node.orelse):
            node.orelse = self._call("fallback", node.orelse, *self._at(node))
        return node

    # --- what is inserted ---

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

    def _visited(self, node: _Node) -> _Node:
        self.generic_visit(node)
        return node

    def _at(self, node: ast.AST) -> tuple[ast.Constant, ast.Constant]:
        return ast.Constant(self._file), ast.Constant(getattr(node, "lineno", 0))

    def _source(self, source: Place) -> ast.Constant:
        return ast.Constant((self._file, *source))  # type: ignore[arg-type] # a compiler takes tuples of constants

    def _sources(self, node: ast.stmt) -> ast.Constant:
        sources = sorted(self._rests_on.get(node.lineno, NOTHING))
        return ast.Constant(tuple((self._file, *one) for one in sources))  # type: ignore[arg-type] # see above

    def _seen(self, name: str, test: ast.expr, node: ast.stmt) -> ast.expr:
        mark = [ast.Name(MARK, ast.Load())] if _start(node) in self._marked else []
        return self._call(name, test, *self._at(node), self._sources(node), *mark)

    def _marking(self, node: ast.stmt) -> ast.stmt:
        """A mark before *node*, whose condition is then judged by what was looked at since."""
        self._marked.add(_start(node))
        return _mark(node)

    def _each(self, iterable: ast.expr, source: Place) -> ast.expr:
        return self._call("each", iterable, self._source(source))

    @staticmethod
    def _call(name: str, first: ast.expr, *others: ast.expr, keywords: Sequence[ast.keyword] = ()) -> ast.expr:
        return ast.copy_location(ast.Call(_runtime(name), [first, *others], list(keywords)), first)

    def _is_rewritten_lookup(self, node: ast.Call) -> bool:
        return self._is_rewritten(node, LOOKUPS) and 1 <= len(node.args) <= 2 and not node.keywords

    def _is_rewritten(self, node: ast.Call, names: Sequence[str]) -> bool:
        """Whether the rewriting of assertions made *node* of a call of a method with one of *names*."""
        return isinstance(node.func, ast.Name) and self._attributes.get(node.func.id) in names


def _runtime(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name(RUNTIME, ast.Load()), name, ast.Load())


def _statement(name: str, node: ast.stmt, *arguments: ast.expr) -> ast.stmt:
    return ast.copy_location(ast.Expr(ast.Call(_runtime(name), list(arguments), [])), node)


def _mark(node: ast.stmt) -> ast.stmt:
    """A statement before *node* that keeps what was looked at so far."""
    return ast.copy_location(ast.Assign([ast.Name(MARK, ast.Store())], ast.Call(_runtime("mark"), [], [])), node)


def _is_mark(node: ast.Assign) -> bool:
    return isinstance(node.targets[0], ast.Name) and node.targets[0].id == MARK


def _start(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _put_first(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, value: int | str) -> None:
    """Inserts a call at the start of the body, after the docstring."""
    documented = ast.get_docstring(function, clean=False) is not None
    function.body.insert(int(documented), _statement(name, function.body[0], ast.Constant(value)))


def _chain(expression: ast.expr) -> Iterator[str]:
    """The names in a chain of calls and attributes, from its end: "b" and "a" of `a(x).b()`."""
    while True:
        if isinstance(expression, ast.Call):
            expression = expression.func
        elif isinstance(expression, ast.Attribute):
            yield expression.attr
            expression = expression.value
        else:
            yield expression.id if isinstance(expression, ast.Name) else ""
            return


def _expects(context: ast.expr) -> bool:
    """Whether a block demands an exception or a warning: `pytest.raises(…)`, `self.assertRaises(…)`."""
    name = last_name(context)
    return isinstance(context, ast.Call) and (name in _EXPECTING or name.startswith(_ASSERTING))


def _is_rewritten_name(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id.startswith("@py")


def _called_function(expression: ast.expr) -> Place | None:
    """Where *expression* first calls a function by its name, which may iterate over nothing; None where it does not."""
    found = (node for node in ast.walk(expression) if isinstance(node, ast.Call) and is_function(node.func))
    return next(map(place, found), None)


def _calls_function(expression: ast.expr) -> bool:
    return _called_function(expression) is not None


def _is_favourable(value: ast.expr) -> bool:
    """Whether *value* is a constant that stands in for evidence: a number, a text or True, and not an empty one."""
    return isinstance(value, ast.Constant) and bool(value.value) and value.value is not Ellipsis


def _judges(node: ast.AST) -> bool:
    """Whether a node is a judgement that may be executed or not."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return last_name(node.value) in (*MEASURES, "none")
    return isinstance(node, ast.Assert) or (isinstance(node, ast.If) and _fails(node.body))


def _fails(body: Sequence[ast.stmt]) -> bool:
    """Whether a block always ends in a failure of the gate."""
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and not node.test.value)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and last_name(node.value) == "fail")
        for node in body
    )


def _is_rewritten_assertion(node: ast.If) -> bool:
    """Whether pytest made *node* from an assertion."""
    if not (isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not) and node.body):
        return False
    last = node.body[-1]
    if not (isinstance(last, ast.Raise) and isinstance(last.exc, ast.Call)):
        return False
    return any(isinstance(one, ast.Name) and one.id.startswith("@py") for one in ast.walk(last.exc))
