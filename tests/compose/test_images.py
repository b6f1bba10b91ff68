"""References to images: what they mean, which are none, and which version is newer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.readers.compose.images import BadReference, parse
from pytest_promotion.readers.compose.tags import moved

SHA = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("redis", ("docker.io", "library/redis", "", "")),
        ("redis:7-alpine", ("docker.io", "library/redis", "7-alpine", "")),
        ("acme/app:1", ("docker.io", "acme/app", "1", "")),
        ("docker.io/redis", ("docker.io", "library/redis", "", "")),
        ("index.docker.io/acme/app", ("docker.io", "acme/app", "", "")),
        ("localhost/app:1", ("localhost", "app", "1", "")),
        ("localhost:5000/app", ("localhost:5000", "app", "", "")),
        ("ghcr.io/acme/team/app:v1.2", ("ghcr.io", "acme/team/app", "v1.2", "")),
        (f"app@{SHA}", ("docker.io", "library/app", "", SHA)),
        (f"reg.example:443/a/b:1@{SHA}", ("reg.example:443", "a/b", "1", SHA)),
        ("[fd00::1]:5000/app:1", ("[fd00::1]:5000", "app", "1", "")),
        ("a__b/c-d.e", ("docker.io", "a__b/c-d.e", "", "")),
    ],
)
def test_a_reference_is_taken_apart(text, parts):
    """A port taken for a tag compares the wrong repositories."""
    found = parse(text)
    assert (found.registry, found.repository, found.tag, found.digest) == parts
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "app:",
        "app@",
        "App:1",
        "app:a b",
        "-app",
        "app/",
        "/app",
        "a//b",
        "app:-1",
        "app:" + "x" * 129,
        "app@sha256:abc",
        "app@sha256:" + "AB" * 32,
        "app@sha256:" + "ab" * 33,
        "ab" * 32,
        "http://reg/app",
        "reg:port/app",
        "a" * 256,
        "app:1\n",
        "--app",
    ],
)
def test_what_is_no_reference_is_refused(text):
    """A reference with a flag or a line end in it goes to a command line."""
    with pytest.raises(BadReference):
        parse(text)


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_refused(text):
    """Nothing else may come out: the command turns this refusal into wrong usage."""
    try:
        found = parse(text)
    except BadReference:
        return
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ("1.2.3", "1.2.4", 1),
        ("1.10.0", "1.9.0", -1),
        ("v1.2", "v1.2", 0),
        ("v1.2", "1.3", 1),
        ("7-alpine", "8-alpine", 1),
        ("7-alpine", "6-alpine", -1),
        ("7-alpine", "7-slim", None),
        ("7", "7.2", None),
        ("latest", "1.0", None),
        ("local", "1.0", None),
        ("1.0.0-rc.1", "1.0.0", 1),
        ("1.0.0", "1.0.0rc2", -1),
        ("1.0.0-beta2", "1.0.0-rc1", 1),
        ("1.0.0-rc.2", "1.0.0-rc.10", 1),
        ("20260101", "20260201", 1),
        ("", "1.0", None),
        ("version-2.12.0", "version-2.5.0", -1),
        ("version-2.5.0", "version-2.12.0", 1),
        ("release-1.2", "1.1", -1),
        ("release_1.9", "release_1.10", 1),
        ("1.2-alpine", "1.1-bookworm", -1),
        ("1.2-alpine3.19", "1.1-alpine3.20", -1),
        ("1.2-alpine", "1.2-bookworm", None),
        ("3.12alpine", "3.11alpine", -1),
        ("2.12.0", "2.5", -1),
        ("2.5", "2.12.0", 1),
        ("20260101", "20251231", -1),
        ("20260101", "2.5.0", None),
        ("2026.01", "3.1", None),
        ("2026-01-02", "2026-01-01", -1),
        ("nightly-20260102", "nightly-20260101", -1),
        ("nightly-20260102", "1.0", None),
        ("1.2-r3", "1.2-r1", -1),
        ("1.2.3-1", "1.2.3-2", 1),
        ("17.0.9_9-jre", "17.0.9_8-jre", -1),
        ("1.2.3-4-gdeadbee", "1.2.3-5-gcafe123", None),
        ("7fffeab", "3abcdef", None),
        ("py3.11-2.0", "py3.9-3.0", None),
        ("8u392-jdk", "8u402-jdk", None),
        ("stable", "edge", None),
        ("1.2.3-dev", "1.2.3", 1),
    ],
)
def test_which_version_is_newer(before, after, way):
    """1.10 taken for older than 1.9 calls an upgrade a downgrade, and the reverse lets one through."""
    assert moved(before, after) == way


def test_no_tag_means_latest():
    """`app` to `app:latest` changes nothing, however it is written."""
    assert parse("app").same(parse("docker.io/library/app:latest"))
    assert not parse("app:1").same(parse("app"))
    assert not parse("app:1").same(parse(f"app:1@{SHA}"))
    assert parse(f"app:1@{SHA}").same(parse(f"app@{SHA}"))
