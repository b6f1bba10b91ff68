"""XML of other tools, without what bombs are made of."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from pytest_promotion.errors import Unproven

_DECLARES: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)  # what no report needs, and bombs are made of


def root_of(text: str, origin: str, doctype: str = "") -> ET.Element:
    """
    The root element of *text*. A document type by the name *doctype* alone, without entities, is left out.

    Raises:
        Unproven: for what is no XML, and where entities or another document type are declared.
    """
    if doctype:  # Cobertura's own reports name theirs
        text = re.sub(rf"<!DOCTYPE {doctype}(?: (?:SYSTEM|PUBLIC))?[^\[\]<>]*>", "", text, count=1)
    if _DECLARES.search(text):
        raise Unproven(f"{origin} declares entities or a document type, which a report does not need")
    try:
        return ET.fromstring(text)  # noqa: S314 - nothing is declared in it
    except (ET.ParseError, ValueError) as problem:
        raise Unproven(f"{origin} is not XML: {problem}") from None
