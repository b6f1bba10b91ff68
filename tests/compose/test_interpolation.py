"""Variables in compose files: every form, against a second way to work it out; and the `.env` file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose.interpolation import BadTemplate, interpolate, names
from pytest_promotion.readers.compose.variables import variables

VALUES = {"FULL": "value", "EMPTY": ""}
NAMES = st.sampled_from(["FULL", "EMPTY", "GONE"])
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="${}", exclude_categories=["Cs"]), max_size=6)


class Unfilled(Exception):
    """What a required variable without a value leads to."""


def written(tree) -> str:
    """A tree as a template."""
    kind, *rest = tree
    if kind == "plain":
        return rest[0]
    if kind == "dollar":
        return "$$"
    if kind == "all":
        return "".join(map(written, rest[0]))
    name, operator, word = rest
    return f"${{{name}{operator}{written(word) if word else ''}}}"


def worked_out(tree) -> str:
    """What the specification's table says a tree becomes."""
    kind, *rest = tree
    if kind == "plain":
        return rest[0]
    if kind == "dollar":
        return "$"
    if kind == "all":
        return "".join(map(worked_out, rest[0]))
    name, operator, word = rest
    set_, filled = name in VALUES, bool(VALUES.get(name))
    table = {
        "": lambda: VALUES.get(name, ""),
        ":-": lambda: VALUES[name] if filled else worked_out(word),
        "-": lambda: VALUES[name] if set_ else worked_out(word),
        ":+": lambda: worked_out(word) if filled else "",
        "+": lambda: worked_out(word) if set_ else "",
        ":?": lambda: VALUES[name] if filled else refuse(),
        "?": lambda: VALUES[name] if set_ else refuse(),
    }
    return table[operator]()


def refuse():
    raise Unfilled


LEAVES = st.one_of(st.tuples(st.just("plain"), PLAIN), st.just(("dollar",)))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("all"), st.lists(inner, max_size=4)),
        st.tuples(st.just("var"), NAMES, st.sampled_from([":-", "-", ":+", "+", ":?", "?"]), inner),
        st.tuples(st.just("var"), NAMES, st.just(""), st.none()),
    ),
    max_leaves=12,
)


@settings(max_examples=600, deadline=None)
@given(TREES)
def test_every_form_becomes_what_the_table_says(tree):
    """A default taken where a value was given runs another image than was asked for."""
    try:
        wanted = worked_out(tree)
    except Unfilled:
        with pytest.raises(BadTemplate):
            interpolate(written(tree), VALUES, lambda _: None)
    else:
        assert interpolate(written(tree), VALUES, lambda _: None) == wanted


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from("${}:-?+ab_1 "), max_size=20))
def test_any_text_is_filled_in_or_refused(text):
    """A crash on a strange text is a check that said nothing."""
    try:
        filled = interpolate(text, {"a": "x"}, lambda _: None)
    except BadTemplate:
        return
    assert "${" not in filled or "$$" in text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_a_text_without_a_dollar_stays(text):
    """Filling in must not touch what asks for nothing."""
    text = text.replace("$", "")
    assert interpolate(text, VALUES, lambda _: None) == text


def test_depth_has_an_end():
    """A file of braces must not end the check with a stack that is full."""
    with pytest.raises(BadTemplate, match="too deep"):
        interpolate("${A:-" * 200 + "}" * 200, {}, lambda _: None)


def test_what_is_unset_is_heard_of():
    """An image `web:` whose tag was to come from a variable runs `latest`."""
    heard: list[str] = []
    assert interpolate("web:$TAG-${ARCH}${X-}", {}, heard.append) == "web:-"
    assert heard == ["TAG", "ARCH"]


def test_names_are_told_even_of_a_broken_template():
    """Values are masked by the names that ask for them."""
    assert names("${A:-$B} $C ${") == {"A", "B", "C"}


class TestDotenv:
    """The `.env` file, overruled by the environment."""

    def read(self, tmp_path, text, environment=None):
        (tmp_path / ".env").write_text(text)
        return variables(tmp_path / ".env", environment or {})

    def test_the_environment_wins(self, tmp_path):
        """Whoever sets a variable for one run expects it to hold."""
        assert self.read(tmp_path, "A=file\nB=file\n", {"A": "shell"}) == {"A": "shell", "B": "file"}

    def test_quotes_comments_and_export(self, tmp_path):
        """A tag with a comment behind it is no tag."""
        text = "A=1 # one\nB='a $X b'\nexport C=\"two words\"\n# D=4\n\nE=\n"
        assert self.read(tmp_path, text) == {"A": "1", "B": "a $X b", "C": "two words", "E": ""}

    def test_values_refer_to_earlier_ones(self, tmp_path):
        """The operators hold here as in the compose file."""
        text = 'A=1\nB=${A}.${MINOR:-0}\nC="${A:+yes}"\n'
        assert self.read(tmp_path, text) == {"A": "1", "B": "1.0", "C": "yes"}

    def test_a_bare_key_comes_from_the_environment(self, tmp_path):
        """A key without a value is not an empty value."""
        assert self.read(tmp_path, "A\nB\n", {"A": "shell"}) == {"A": "shell"}

    @pytest.mark.parametrize("text", ["A='torn\n", "= value\n", "A=${B\n", "A=${B:?s3cr3t}\n"])
    def test_a_line_nobody_understands_is_not_judged_and_not_quoted(self, tmp_path, text):
        """A value that was guessed is another deployment; a value that was quoted is a leak."""
        with pytest.raises(Unproven, match=r"\.env line 1") as problem:
            self.read(tmp_path, text)
        assert "s3cr3t" not in str(problem.value)
        assert "torn" not in str(problem.value)

    def test_a_file_that_is_gone_is_not_judged(self, tmp_path):
        """Without its values every default would be taken for what runs."""
        with pytest.raises(Unproven, match="cannot be read"):
            variables(tmp_path / "gone.env", {})
