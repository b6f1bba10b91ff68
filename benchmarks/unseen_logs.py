"""
A second labelled corpus for the comparison of secret scanners: kinds that were written after the rules.

`UNSEEN` and `PLAIN` were complete before the rules were run on them. `benchmarks/README.md` has the figures of that
first run. Rules were then added for what was missed, so that the kinds count as tuned from then on.
"""

from __future__ import annotations

import base64
import json
import random
import string
from hashlib import sha256

from labelled_logs import ALNUM, WORDS, Maker, logged, take

_HEX = "0123456789abcdef"
_LOWER = string.ascii_lowercase + string.digits


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _pem(draw: random.Random) -> str:
    body = "\n".join(take(draw, ALNUM + "+/", 64) for _ in range(6))
    return f"-----BEGIN EC PRIVATE{' '}KEY-----\n{body}\n-----END EC PRIVATE{' '}KEY-----\n"


UNSEEN: dict[str, Maker] = {
    "kubeconfig_key": lambda d: f"    client-key-data: {_base64(_pem(d))}",
    "datadog": lambda d: logged(d, f"DD_API_KEY={take(d, _HEX, 32)} DD_SITE=datadoghq.eu"),
    "linear": lambda d: logged(d, f"sync with lin_api_{take(d, ALNUM, 40)}"),
    "supabase": lambda d: logged(d, f"login sbp_{take(d, _HEX, 40)} ok"),
    "notion": lambda d: logged(d, f"pages by ntn_{take(d, string.digits, 11)}{take(d, ALNUM, 35)}"),
    "planetscale": lambda d: logged(d, f"connect pscale_pw_{take(d, ALNUM + '-_', 43)}"),
    "terraform_cloud": lambda d: f'  token = "{take(d, ALNUM, 14)}.atlasv1.{take(d, ALNUM, 67)}"',
    "sentry": lambda d: logged(d, f"upload sntrys_eyJ{take(d, ALNUM, 80)}_{take(d, ALNUM, 43)}"),
    "dotnet": lambda d: (
        f'"Default": "Server=tcp:db{d.randint(1, 9)};User ID=sa;Password={take(d, ALNUM, 18)};Encrypt=True"'
    ),
    "spring": lambda d: f"spring.datasource.password={take(d, ALNUM, 16)}",
    "jdbc": lambda d: f"jdbc:mysql://db{d.randint(1, 9)}/quay?user=ops&password={take(d, ALNUM, 15)}&useSSL=true",
    "curl_user": lambda d: f"curl -u deploy:{take(d, ALNUM, 18)} https://api.northsea.test/v1/orders",
    "powershell": lambda d: f'$p = ConvertTo-SecureString "{take(d, ALNUM, 16)}" -AsPlainText -Force',
    "redis_cli": lambda d: f"redis-cli -h bus{d.randint(1, 9)} -a {take(d, ALNUM, 20)} ping",
    "htpasswd": lambda d: f"ops:$2y$05${take(d, ALNUM + './', 53)}",
    "smtp": lambda d: logged(d, "> AUTH PLAIN " + _base64(f"\0mailer@northsea.test\0{take(d, ALNUM, 16)}")),
    "exchange": lambda d: json.dumps({"apiKey": take(d, ALNUM, 64), "apiSecret": take(d, ALNUM, 64), "id": 1}),
    "ethereum": lambda d: f"private_key: 0x{take(d, _HEX, 64)}",
    "appsettings": lambda d: f'<add key="DbPassword" value="{take(d, ALNUM, 16)}" />',
    "batch": lambda d: f"set QUAY_PASSWORD={take(d, ALNUM, 14)}",
    "npmrc_auth": lambda d: "_auth=" + _base64(f"deploy:{take(d, ALNUM, 20)}"),
    "docker_auth": lambda d: json.dumps({"auths": {"registry.test": {"auth": _base64(f"ci:{take(d, ALNUM, 24)}")}}}),
    "netrc": lambda d: f"machine api.northsea.test login {d.choice(WORDS)} password {take(d, ALNUM, 16)}",
}
PLAIN: dict[str, Maker] = {
    "secret_reference": lambda d: f"      valueFrom: {{secretKeyRef: {{name: {d.choice(WORDS)}-db, key: password}}}}",
    "integrity": lambda d: f'"integrity": "sha512-{_base64(d.randbytes(64).hex()[:64])}"',
    "go_sum": lambda d: f"github.com/quay/{d.choice(WORDS)} v1.{d.randint(0, 99)}.0 h1:{_base64(take(d, ALNUM, 32))}",
    "wheel_hash": lambda d: f"    --hash=sha256:{sha256(d.randbytes(8)).hexdigest()}",
    "image_data": lambda d: f'<img src="data:image/png;base64,{_base64(take(d, ALNUM, 90))}">',
    "trace": lambda d: logged(d, f"traceparent=00-{take(d, _HEX, 32)}-{take(d, _HEX, 16)}-01"),
    "auth_mode": lambda d: d.choice(
        ("auth: none", '"auth": "required"', "auth=oauth2", '"auth": "basic"', "auth: mutual-tls")
    ),
    "reset_page": lambda d: f"The machine that sends a password reset is called {d.choice(WORDS)}.",
    "form": lambda _: '<input type="password" name="password" autocomplete="current-password">',
    "hash_field": lambda d: json.dumps({"password_hash_algorithm": "argon2id", "token_ttl_s": d.randint(60, 9999)}),
    "signature": lambda d: logged(d, f"verified signature {_base64(take(d, ALNUM, 64))} keyid {take(d, _HEX, 64)}"),
    "tokenizer": lambda d: json.dumps({"eos_token": "</s>", "pad_token_id": d.randint(0, 9), "max_tokens": 4096}),
    "etag": lambda d: logged(d, f'200 ETag: "{take(d, _LOWER, 32)}" X-Request-Id: {take(d, _HEX, 32)}'),
    "lint": lambda d: f"src/{d.choice(WORDS)}.py:{d.randint(1, 900)}:5:S105:possible hardcoded password assigned",
}


def corpus(seed: int, plain: int, each: int) -> list[tuple[str, str]]:
    """Lines with their kinds, `""` for plain ones, shuffled; each kind of `UNSEEN` *each* times."""
    draw = random.Random(seed)
    makers = list(PLAIN.values())
    lines = [(draw.choice(makers)(draw), "") for _ in range(plain)]
    lines += [(make(draw), kind) for kind, make in UNSEEN.items() for _ in range(each)]
    draw.shuffle(lines)
    return lines
