"""The one function that every text passes on its way out, and lists for people."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion import text
from pytest_promotion.secrets import common_forms, environment, masking, tokens
from pytest_promotion.secrets.placeholders import is_placeholder
from pytest_promotion.secrets.suspects import suspects
from pytest_promotion.text import block, clean, legible, listed, measured, words

TOKEN = "ghp_" + "a1B2c3D4e5" * 4
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1234567890abcdefghij\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def variables(monkeypatch):
    """Sets variables of the environment, and forgets their values afterwards."""

    def put(**given):
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        environment.begin()

    yield put
    monkeypatch.undo()
    environment.begin()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("a\x85b\x0bc\x0cd", r"a\x85b\x0bc\x0cd"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\x1b[2J\x9b31m", r"\x1b[2J\x9b31m"),
        ("a\u202eb\u2066c\u200ed\u061ce", r"a\u202eb\u2066c\u200ed\u061ce"),
        ("pay\u200bpal\ufeff\u2060", r"pay\u200bpal\ufeff\u2060"),
        ("a\u3164b\u2800c", r"a\u3164b\u2800c"),
        ("\U000e0041", r"\U000e0041"),
        ("\udc80", r"\udc80"),
        ("::error::x", r"\x3a:error::x"),
        ("  ::warning::x", r"  \x3a:warning::x"),
        (
            "a ##[error]b ##vso[task.complete]c ##teamcity[x]",
            r"a \x23#[error]b \x23#vso[task.complete]c \x23#teamcity[x]",
        ),
        ("gates/test_a.py::test_b ## not one", "gates/test_a.py::test_b ## not one"),
        ("größer ≥ 1, 価格", "größer ≥ 1, 価格"),
    ],
)
def test_a_text_is_one_line_in_which_nothing_hides(raw, shown):
    """A line of its own is a workflow command, and a bidirectional mark lets a FAIL read as something else."""
    assert legible(raw) == shown


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        f"token_{TOKEN}.json",
        f"\n{TOKEN}\n",
        JWT,
        "AKIAABCDEFGHIJKLMNOP",
        "https://bob:hunter2-hunter2@example.org/x",
        "https:/bob:hunter2-hunter2@example.org/x",
        "Authorization: Bearer abcdEFGH12345678",
        "password=hunter2-hunter2",
        '{"api_key": "q8Zr1tYx55Lm"}',
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzKEYz",
        "SG.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "SK0123456789abcdef0123456789abcdef",
        KEY,
        f"the key is {KEY} as it was found",
        "api_key is 'q8Zr1tYx55Lm', expected == 'q8Zr1tYx55Lx'",
    ],
)
def test_what_looks_like_a_secret_is_masked(secret):
    """A report is read by many more than may know what a gate stumbled over."""
    shown = legible(secret)
    assert "***" in shown
    for part in ("a1B2c3D4e5", "eyJz", "AKIA", "hunter2-", "abcdEFGH", "q8Zr", "wJal", "SG.a", "SK01", "MIIE"):
        assert part not in shown


@pytest.mark.parametrize(
    "harmless",
    [
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit 96ee072ab1c4600232b86a7e8d249c3cc0011223",
        "123e4567-e89b-42d3-a456-426614174000",
        "promotion_gates_20261129T235430Z.json",
        "replay_regression_first_class[500] did not pass: monkey, keyboard, tokenizer",
        "no_secrets_in_logs is required and was not collected",
        "the signing key ab12cd34ef56 is not among the signers",
        "https://example.org/reports/latest.json?page_token=none",
        "password: changeme",
    ],
)
def test_what_is_no_secret_stays(harmless):
    """A digest that is masked proves nothing, and a reason full of masks is of no use."""
    assert legible(harmless) == harmless


@given(st.sampled_from(sorted({**tokens.PATTERNS, **common_forms.PATTERNS})), st.data())
def test_the_search_for_letters_misses_no_form(name, data):
    """It is what makes masking cheap; a form that it does not know would never be looked for."""
    pattern = {**tokens.PATTERNS, **common_forms.PATTERNS}[name]
    found = data.draw(
        st.from_regex(pattern, fullmatch=True, alphabet=string.ascii_letters + string.digits + "-_./+=:?&;%~$ ")
    )
    assert name in suspects(found)
    if not is_placeholder(pattern.fullmatch(found)["value"] if "value" in pattern.groupindex else found):
        assert "***" in masking.masked(found)


@given(
    st.text(), st.sampled_from(["", "token=", "password: ", "::", "##[", "https://a:", f"\n{TOKEN}", KEY]), st.text()
)
def test_a_text_that_has_passed_stays_as_it_is(before, middle, after):
    """It is shown by one form after another, each of which lets it pass again."""
    shown = legible(before + middle + after)
    assert legible(shown) == shown
    assert shown.isprintable()
    assert not shown.lstrip().startswith("::")
    shown.encode()


class TestEnvironment:
    def test_values_of_secret_variables_are_masked_as_they_are(self, variables):
        """A password that people chose has no form by which it could be found."""
        variables(
            MY_API_TOKEN="plain words", DB_PASSWORD="Tr0ub4dor/3x", SHORT_TOKEN="abc", HOME_DIR="not-secret-at-all"
        )
        assert legible("it said plain words to abc") == "it said *** to abc"
        assert legible("postgres at Tr0ub4dor/3x and Tr0ub4dor%2F3x") == "postgres at *** and ***"
        assert legible("not-secret-at-all") == "not-secret-at-all"

    def test_what_only_names_a_secret_is_none(self, variables):
        """The path of a token's file and the working directory stand in every other message."""
        variables(
            TOKEN_FILE="some-file-name", PWD="/somewhere/else", OLDPWD="some-old-place", API_KEY="/run/secrets/api"
        )
        for value in ("some-file-name", "/somewhere/else", "some-old-place", "/run/secrets/api"):
            assert legible(value) == value

    def test_what_was_known_is_not_forgotten_within_a_session(self, variables, monkeypatch):
        """A gate takes its variable back before the decision is written."""
        variables()
        monkeypatch.setenv("LATE_SECRET", "came-later-on")
        text.learn_secrets()
        monkeypatch.delenv("LATE_SECRET")
        text.learn_secrets()
        assert legible("came-later-on") == "***"
        text.learn_secrets(fresh=True)
        assert legible("came-later-on") == "came-later-on"


def test_a_block_keeps_its_lines_and_none_is_a_command():
    """Output that became one line could not be read, and one that is a command would be obeyed."""
    shown = block(f"one\r\n\ttwo\n::error::three\npromotion: PASS (1 of 1)\n{KEY}\n\x1b[31mfour")
    assert shown.split("\n") == [
        "one",
        "    two",
        r"\x3a:error::three",
        r"promotion\x3a PASS (1 of 1)",
        "***",
        r"\x1b[31mfour",
    ]


def test_the_word_after_a_secret_flag_is_secret():
    """`--token x` says the same as `--token=x`."""
    argv = ["curl", "--token", "q8Zr1tYx55Lm", "-u", "bob:pw", "--password=hunter2-hunter2", "--count", "3", JWT]
    assert words(argv) == ["curl", "--token", "***", "-u", "bob:***", "--password=***", "--count", "3", "***"]


def test_a_value_is_secret_by_the_name_of_its_measurement():
    """The value of `api_key` looks like any other word."""
    assert measured("api_key", "q8Zr1tYx55Lm") == "***"
    assert measured("colour", "q8Zr1tYx55Lm") == "q8Zr1tYx55Lm"
    assert measured("api_key", 7) == 7


def test_a_document_is_clean_in_its_keys_too():
    """Keys are names that somebody chose, as values are."""
    found = clean({f"a\n{TOKEN}": ["\x1b", 1, None, 1.5, {"b": "x\ny"}]})
    assert json.dumps(found) == json.dumps({"a\\n***": ["\\x1b", 1, None, 1.5, {"b": "x\\ny"}]})


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, ""), (1, "g0"), (3, "g0, g1, g2"), (4, "g0, g1, g2 and 1 more"), (2000, "g0, g1, g2 and 1,997 more")],
)
def test_a_list_ends(count, shown):
    """Two thousand names on a terminal push away what matters."""
    assert listed((f"g{number}" for number in range(count)), 3) == shown
