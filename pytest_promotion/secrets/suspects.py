"""
Which rules a text has to be looked at by before it is shown: nearly always none.

Every secret that the rules know by its form, and every key that announces one, has a few letters that are always there.
Looking for those costs two microseconds; running all rules over each text of ten thousand gates would take seconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

KEYED: Final = "keyed"
HEADER: Final = "header"
LOGIN: Final = "login"
PEM: Final = "pem"
ENCODED: Final = "encoded"
NETRC: Final = "netrc"
COMMAND: Final = "command"
NAME_VALUE: Final = "name and value"

# In lower case; what follows names the rule, or the form in `tokens` and `common_forms`.
_LETTERS: Final = {
    "key": (KEYED, "mailgun-key"),
    "secret": (KEYED,),
    "pass": (KEYED, NETRC),
    "pwd": (KEYED,),
    "token": (KEYED,),
    "credential": (KEYED,),
    "authorization": (HEADER,),
    "bearer": (HEADER,),
    ":/": (LOGIN,),
    "private key": (PEM,),
    "putty-user-key": (PEM,),
    "age-secret-key-": ("age-key",),
    "sk-ant-": ("anthropic-key",),
    "atatt3": ("atlassian-token",),
    "accountkey=": ("azure-account-key",),
    "sig=": ("azure-signature",),
    "==": ("azure-storage-key",),
    "dapi": ("databricks-token",),
    "_v1_": ("digitalocean-token",),
    "webhooks/": ("discord-webhook",),
    "dp.": ("doppler-token",),
    "gh": ("github-token",),
    "github_pat_": ("github-token",),
    "gl": ("gitlab-token", "grafana-token"),
    "aiza": ("google-key",),
    "gocspx-": ("google-oauth",),
    "ya29.": ("google-oauth",),
    "hf_": ("huggingface-token",),
    "nrak-": ("new-relic-key",),
    "npm_": ("npm-token",),
    "sk-": ("openai-key",),
    "pmak-": ("postman-key",),
    "pypi-age": ("pypi-token",),
    "shp": ("shopify-token",),
    "xox": ("slack-token",),
    "xapp-": ("slack-token",),
    "hooks.slack": ("slack-webhook",),
    "sq0": ("square-token",),
    "eaaa": ("square-token",),
    "k_live_": ("stripe-key",),
    "k_test_": ("stripe-key",),
    "k_prod_": ("stripe-key",),
    "whsec_": ("stripe-key",),
    ":aa": ("telegram-token",),
    "hvs.": ("vault-token",),
    "hvb.": ("vault-token",),
    "hvr.": ("vault-token",),
    "a3t": ("aws-access-key",),
    "abia": ("aws-access-key",),
    "acca": ("aws-access-key",),
    "akia": ("aws-access-key",),
    "asia": ("aws-access-key",),
    "aws": ("aws-secret-key",),
    "akc": ("artifactory-token",),
    "eyj": ("jwt",),
    "-us": ("mailchimp-key",),
    "sg.": ("sendgrid-key",),
    "dckr_": ("docker-token",),
    "gsk_": ("groq-key",),
    "lin_": ("linear-key",),
    "ntn_": ("notion-token",),
    "$2": ("password-hash",),
    "$apr1$": ("password-hash",),
    "$1$": ("password-hash",),
    "$5$": ("password-hash",),
    "$6$": ("password-hash",),
    "$y$": ("password-hash",),
    "$argon2": ("password-hash",),
    "pscale_": ("planetscale-token",),
    "pul-": ("pulumi-token",),
    "r8_": ("replicate-token",),
    "rubygems_": ("rubygems-key",),
    "sntry": ("sentry-token",),
    "sbp_": ("supabase-key",),
    "sb_secret_": ("supabase-key",),
    "tskey-": ("tailscale-key",),
    "auth": (ENCODED,),
    "dockerc": (ENCODED,),
    "ls0tls1crudjti": (ENCODED,),
    "curl": (COMMAND,),
    "redis-cli": (COMMAND,),
    "sshpass": (COMMAND,),
    "mysql": (COMMAND,),
    "mariadb": (COMMAND,),
    "docker login": (COMMAND,),
    "securestring": (COMMAND,),
    "value": (NAME_VALUE,),
}
_PAIRS: Final = tuple(_LETTERS.items())
_SHORTEST: Final = 8  # characters; no secret that is masked by a rule is shorter


_CACHED: Final = 200  # characters; an owner, a fix and a path come again and again, a page of output does not


def suspects(text: str) -> tuple[str, ...]:
    """The names of the rules by which *text* may hold a secret."""
    if len(text) < _SHORTEST:
        return ()
    return _short(text) if len(text) <= _CACHED else _search(text)


def _search(text: str) -> tuple[str, ...]:
    lower = text.lower()
    found = [rules for letters, rules in _PAIRS if letters in lower]
    names = [name for rules in found for name in rules] if found else []
    if "SK" in text:
        names.append("twilio-key")
    if text.count(".") >= 2 and len(text) > 58:
        names.append("discord-token")
    return tuple(names)


_short = lru_cache(maxsize=4096)(_search)
