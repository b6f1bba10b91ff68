"""
Tokens that the scan knows from bc-detect-secrets, by their form.

What is masked may not depend on whether the extra `scan` is installed, so the masking has these of its own.
"""

from __future__ import annotations

import re
from typing import Final

_FORMS: Final = {
    "artifactory-token": r"(?<!\w)AKC[A-Za-z0-9]{10,}",
    "aws-access-key": r"\b(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}\b",
    # A digest in hex behind the word is none.
    "aws-secret-key": (
        r"(?i)aws.{0,20}?(?:key|pwd|password|pass|token).{0,20}?"
        r"(?<![0-9a-z/+])(?P<value>(?![0-9a-f]{40}(?![0-9a-z/+]))[0-9a-z/+]{40})(?![0-9a-z/+])"
    ),
    "azure-storage-key": r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==",
    "discord-token": r"\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}",
    "jwt": r"\beyJ[\w=-]{8,}\.[\w=-]{4,}(?:\.[\w.+/=-]*)?",
    "mailchimp-key": r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",
    "sendgrid-key": r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    "twilio-key": r"\bSK[0-9a-f]{32}\b",
}
PATTERNS: Final = {name: re.compile(form) for name, form in _FORMS.items()}
