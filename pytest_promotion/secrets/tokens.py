"""Secrets that are known by their form: vendors' tokens and PEM blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_promotion.secrets.lines import Line, Match
from pytest_promotion.secrets.placeholders import is_placeholder

RANK: Final = 1

# Each vendor's own description of its tokens; what the library knows as well is wider here.
FORMS: Final = {
    "age-key": r"AGE-SECRET-KEY-1[0-9A-Z]{58}",
    "anthropic-key": r"\bsk-ant-[a-z]+\d+-[\w-]{40,}",
    "atlassian-token": r"\bATATT3[\w=-]{50,}",
    "azure-account-key": r"(?i)AccountKey=(?P<value>[a-z0-9+/]{86}==)",
    "azure-signature": r"[?&;]sig=(?P<value>[A-Za-z0-9%+/]{43,60}(?:%3[Dd]|=))",
    "databricks-token": r"\bdapi[0-9a-f]{32}(?:-\d)?\b",
    "digitalocean-token": r"\bdo[opr]_v1_[0-9a-f]{64}",
    "discord-webhook": r"(?i)discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{15,21}/(?P<value>[\w-]{30,})",
    "docker-token": r"\bdckr_(?:pat|oat)_[\w-]{27,}",
    "doppler-token": r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{40,}",
    "github-token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "gitlab-token": r"\bgl(?:pat|dt|rt|ptt|agent|cbt|soat|ft|imt)-[\w.-]{20,}",
    "google-key": r"\bAIza[\w-]{35}(?![\w-])",
    "google-oauth": r"\b(?:GOCSPX-[\w-]{28}|ya29\.[\w-]{30,})",
    "grafana-token": r"\bgls?[ac]_[A-Za-z0-9+/]{32,}(?:_[0-9a-f]{8})?",
    "groq-key": r"\bgsk_[A-Za-z0-9]{48,}",
    "huggingface-token": r"\bhf_[A-Za-z]{34}\b",
    "linear-key": r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}",
    "mailgun-key": r"\bkey-[0-9a-f]{32}\b",
    "new-relic-key": r"\bNRAK-[A-Z0-9]{27}\b",
    "notion-token": r"\bntn_[0-9]{11}[A-Za-z0-9]{35}\b",
    "npm-token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "openai-key": r"\bsk-(?:proj|svcacct|admin)-[\w-]{20,}|\bsk-[A-Za-z0-9]{32,}\b",
    "password-hash": (
        r"(?<![\w$])\$(?:2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|(?:apr1|1|5|6|y)\$[^\s:$]{1,40}\$[./A-Za-z0-9]{22,}"
        r"|argon2id?\$v=\d+\$[^\s:]{40,})"
    ),
    "planetscale-token": r"\bpscale_(?:pw|tkn|oauth)_[\w-]{32,}",
    "postman-key": r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    "pulumi-token": r"\bpul-[0-9a-f]{40}\b",
    "pypi-token": r"\bpypi-AgE[\w-]{50,}",
    "replicate-token": r"\br8_[A-Za-z0-9]{37,}",
    "rubygems-key": r"\brubygems_[0-9a-f]{48}\b",
    "sentry-token": r"\bsntry[us]_[\w+/=-]{40,}",
    "shopify-token": r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "slack-token": r"(?i)\b(?:xox[abceoprs]|xapp)-[a-z0-9-]{20,}",
    "slack-webhook": r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[\w/]{20,})",
    "square-token": r"\b(?:sq0(?:atp|csp)-[\w-]{22,}|EAAA[\w-]{60})",
    "stripe-key": r"\b(?:[rs]k_(?:live|test|prod)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}=*)",
    "supabase-key": r"\bsb(?:p|_secret)_[\w-]{30,}",
    "tailscale-key": r"\btskey-[a-z]+-\w{8,}-\w{16,}",
    "telegram-token": r"\b\d{8,10}:AA[\w-]{32,33}(?![\w-])",
    "vault-token": r"\bhv[sbr]\.[\w-]{24,}",
}
PATTERNS: Final = {name: re.compile(form) for name, form in FORMS.items()}

# What follows must look like key material, so that a page about keys is no finding.
PEM: Final = re.compile(r"BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-*|PuTTY-User-Key-File-\d:")
_MATERIAL: Final = re.compile(r"[A-Za-z0-9+/=]{24,}")
_LIBRARY_MATERIAL: Final = re.compile(
    r"[A-Za-z0-9+/\\\n]{10,}"
)  # what the library takes for material right behind the mark


def find_form(name: str, line: Line) -> Iterator[Match]:
    """Everything in the line that has the form *name*."""
    for found in PATTERNS[name].finditer(line.text):
        group = "value" if "value" in found.re.groupindex else 0
        if not is_placeholder(found[group]):
            yield Match(name, RANK, found.start(group), found.end(group), name)


def find_private_keys(line: Line) -> Iterator[Match]:
    """The mark of a private key, on one line or many, if key material follows it."""
    for found in PEM.finditer(line.text):
        rest = line.text[found.end() :]
        following = "\n".join([rest, *(text.strip() for text in line.after)])
        material = _LIBRARY_MATERIAL.match(following) if found[0].startswith("BEGIN") else "Encryption:" in following
        if material or _MATERIAL.search(following):
            end = len(line.text) if rest.strip() else found.end()
            yield Match("private-key", RANK, found.start(), end, "private key", "\n".join(line.after))
