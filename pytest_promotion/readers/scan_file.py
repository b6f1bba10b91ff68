"""Which scanner wrote it: told from what is in it, and from nothing else."""

from __future__ import annotations

from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import named, parse_json
from pytest_promotion.gc_pause import Paused
from pytest_promotion.readers import sarif, snyk, trivy
from pytest_promotion.readers.findings import Scan


def read(content: bytes, origin: str) -> Scan:
    """
    The scan in *content*: Trivy's JSON, Snyk's JSON, or SARIF 2.1.0 of any scanner.

    Raises:
        Unproven: for anything else, and for versions that are not known.
    """
    with Paused():
        return _told(parse_json(content, origin), origin)


def _told(document: Any, origin: str) -> Scan:
    if isinstance(document, dict):
        if "SchemaVersion" in document:
            return trivy.read(document, origin)
        if "runs" in document:
            return sarif.read(document, origin)
        if "vulnerabilities" in document or ("ok" in document and ("error" in document or "path" in document)):
            return snyk.read([document], origin)
    elif isinstance(document, list):
        if document and all(isinstance(one, dict) and "ok" in one for one in document):
            return snyk.read(document, origin)
        if not document or (isinstance(document[0], dict) and "Target" in document[0]):
            raise Unproven(f"{origin} is a bare list: an empty result, or Trivy's first format, which says too little")
    raise Unproven(f"{origin} is {named(document)} that neither Trivy nor Snyk nor SARIF writes")
