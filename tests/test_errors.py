"""Errors are distinguished by their type, never by their message."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

import pytest_promotion
from pytest_promotion.clock import BadTimestamp
from pytest_promotion.errors import GateFailed, PolicyError, PromotionError, Unanswered, Unfinished, Unproven
from pytest_promotion.http_client import Peer
from pytest_promotion.reporting import alerts
from pytest_promotion.trust.stored import parse

PACKAGE = Path(pytest_promotion.__file__).parent


def test_the_tree_is_the_documented_one():
    """A caller that catches a base catches more, or less, than it means when the tree is another one."""
    assert all(issubclass(kind, PromotionError) for kind in (GateFailed, Unproven, PolicyError, BadTimestamp))
    assert all(issubclass(kind, Unproven) for kind in (Unfinished, Unanswered))
    assert issubclass(GateFailed, AssertionError)
    assert not issubclass(PolicyError, Unproven)


def test_missing_evidence_is_no_failed_assertion():
    """`pytest.raises(AssertionError)` in a gate would turn missing evidence into success."""
    assert not any(issubclass(kind, AssertionError) for kind in (PromotionError, Unproven, Unfinished, Unanswered))


def test_an_unfinished_decision_has_a_type_of_its_own():
    """Verify answers no to it, and cannot answer for a file that is no decision at all."""
    with pytest.raises(Unfinished, match="x is not finished: killed"):
        parse(json.dumps({"finished": False, "reasons": ["killed"]}).encode(), "x")
    for other in (b"{}", b"[]", b"x is not finished"):
        with pytest.raises(Unproven) as refusal:
            parse(other, "x is not finished")
        assert not isinstance(refusal.value, Unfinished)


@pytest.mark.parametrize("answer", ["redirect", "refused"])
def test_an_alert_never_shows_the_address_of_a_webhook(httpserver: HTTPServer, answer):
    """Anyone who knows the address can post to the channel, and build logs are read by many."""
    secret = "T0/B0/very-secret"
    httpserver.expect_request(f"/{secret}").respond_with_data("", 302, {"Location": "/elsewhere"})
    address = httpserver.url_for(f"/{secret}") if answer == "redirect" else f"http://127.0.0.1:1/{secret}"
    with pytest.raises(Unanswered, match="very-secret"):
        Peer(address).ask("POST", "", {})
    assert alerts._posted(f"{address}/", "x") == "it did not answer"


def looked_at(tree: ast.AST) -> list[int]:
    """The lines on which something depends on the text of an exception that was caught."""
    found = []
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        texts = {f"str({handler.name})", f"repr({handler.name})", f"{handler.name}.args[0]"}
        for node in ast.walk(handler):
            if isinstance(node, ast.Compare):
                # A text that is looked up in a list of texts is not looked into.
                sides = (
                    node.comparators if isinstance(node.ops[0], (ast.In, ast.NotIn)) else [node.left, *node.comparators]
                )
                found += [node.lineno for side in sides if ast.unparse(side) in texts]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = node.func.attr in ("startswith", "endswith", "find", "count")
                found += [node.lineno] if called and ast.unparse(node.func.value) in texts else []
    return found


def test_nothing_depends_on_the_text_of_an_exception():
    """A message that is reworded would change what a command answers."""
    found = {
        path.relative_to(PACKAGE).as_posix(): looked_at(ast.parse(path.read_text())) for path in PACKAGE.rglob("*.py")
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_comparison_with_a_message_is_seen():
    """A search that finds nothing anywhere would pass as well."""
    code = "try:\n    f()\nexcept ValueError as problem:\n    x = 'busy' in str(problem)\n    y = str(problem).startswith('a')\n"
    assert looked_at(ast.parse(code)) == [4, 5]
