"""A release manifest that says something. It is prose, so little can be demanded of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

_HEADING = re.compile(r"^(#{1,6})\s+\S")
# What a manifest freezes: a file, an image, a digest or a link, as Markdown writes them.
_FROZEN = re.compile(r"`[^`]+`|\]\([^)]+\)|\bsha256:[0-9a-f]{8}")
_LEAST_LINES = 3


_CONTROLLER = re.compile(r"`(?:[\w./-]*/)?controllers/(\w+)\.py`")
_STARTED = re.compile(r"(?:\$\{\w+:?-)?([\w./-]+):([\w.-]+)\}?")
_IMAGE = re.compile(r"`([\w./-]+):([\w.-]+)`")


def images_of(services: Mapping[str, Any]) -> dict[str, set[str]]:
    """The tags of each image that the services of a Compose file have, also as the default of a variable."""
    tags: dict[str, set[str]] = {}
    for service in services.values():
        found = _STARTED.fullmatch(service["image"]) if "image" in service else None
        if found:
            tags.setdefault(found[1], set()).add(found[2])
    return tags


def wrong_names(path: str, text: str, controllers: Collection[str], images: dict[str, set[str]]) -> Iterator[str]:
    """
    The sentences where a manifest releases something else than what bundles run and Compose starts.

    Args:
        controllers: the names of the modules that approved bundles run.
        images: the tags that Compose has of each image.
    """
    named = set(_CONTROLLER.findall(text))
    for controller in sorted(set(controllers) - named) if named else []:
        yield f"{path} names the controllers {', '.join(sorted(named))}, and bundles run {controller}"
    for image, tag in _IMAGE.findall(text):
        if image in images and tag not in images[image]:
            yield f"{path} names {image}:{tag}, Compose has {', '.join(sorted(images[image]))}"


def wrong_in_manifest(path: str, text: str) -> Iterator[str]:
    """The sentences for what is wrong with the Markdown *text* of the file *path*; none for one that says something."""
    lines = [line for line in text.splitlines() if line.strip()]
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.IGNORECASE):
        yield f"{path} is a web page, expected Markdown"
        return
    if not text.endswith("\n"):
        yield f"{path} does not end with a line end: it may be cut"
    if not lines or not _HEADING.match(lines[0]):
        yield f"{path} does not begin with a heading"
        return
    for line, following in pairwise([*lines, "# end"]):
        level, next_level = _HEADING.match(line), _HEADING.match(following)
        if level and next_level and len(next_level[1]) <= len(level[1]):
            yield f"{path}: nothing stands under the heading {line.strip()!r}"
    body = [line for line in lines if not _HEADING.match(line)]
    if len(body) < _LEAST_LINES:
        yield f"{path} has {len(body)} lines beside its headings, expected {_LEAST_LINES} or more"
    if not any(_FROZEN.search(line) for line in body):
        yield f"{path} names no file, image or digest that is released"
