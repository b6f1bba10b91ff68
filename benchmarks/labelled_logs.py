"""
A labelled corpus of log lines for the comparison of secret scanners, built at run time.

Every planted value comes from a seeded generator when the corpus is built, so that no committed
file holds a string that looks like a secret. `TUNED` and `HELD_OUT` were both written before the
rules of `pytest_promotion.secrets`. Rules were changed while looking at `TUNED` and at the benign
lines; `HELD_OUT` is only measured. Both have one author, so read the second figure as an
honest check on over-fitting to templates and not as a blind trial.
"""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from collections.abc import Callable
from hashlib import sha256

WORDS = ("berth", "quay", "harbour", "lane", "tide", "buoy", "anchor", "ledger", "order", "fill", "spread", "mid")
ALNUM = string.ascii_letters + string.digits
Maker = Callable[[random.Random], str]


def take(draw: random.Random, alphabet: str, length: int) -> str:
    """*length* letters of *alphabet*."""
    return "".join(draw.choices(alphabet, k=length))


def moment(draw: random.Random) -> str:
    """The time of a log line."""
    clock = f"{draw.randint(10, 23)}:{draw.randint(10, 59)}:{draw.randint(10, 59)}.{draw.randint(100, 999)}"
    return f"2026-05-{draw.randint(10, 28)}T{clock}Z"


def logged(draw: random.Random, text: str) -> str:
    """*text* as a service writes it into its log."""
    level = draw.choice(("INFO", "DEBUG", "WARNING"))
    return f"{moment(draw)} {level} {draw.choice(WORDS)}_service: {text}"


def _jwt(draw: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    header, body = {"alg": "HS256", "typ": "JWT"}, {"sub": take(draw, string.digits, 10), "iat": draw.randint(1, 10**9)}
    return f"{part(header)}.{part(body)}.{take(draw, ALNUM + '-_', 43)}"


def _pem(draw: random.Random) -> str:
    body = "\\n".join(take(draw, ALNUM + "+/", 64) for _ in range(4))
    return (
        f'{{"private_key": "-----BEGIN {draw.choice(("", "RSA ", "EC "))}PRIVATE' + f' KEY-----\\n{body}\\n-----END"}}'
    )


TUNED: dict[str, Maker] = {
    "prefixed_key": lambda d: logged(
        d, f"env {d.choice(('BITGET', 'NORTHSEA', 'QUAY'))}_API_KEY={take(d, ALNUM, 32)} loaded"
    ),
    "json_api_key": lambda d: json.dumps({"ts": moment(d), "api_key": take(d, ALNUM, 24), "bot": d.choice(WORDS)}),
    "yaml_password": lambda d: f"  password: {take(d, ALNUM + '!#%&', 14)}",
    "bearer": lambda d: logged(d, f"> Authorization: Bearer {take(d, ALNUM + '-_', 40)}"),
    "json_authorization": lambda d: json.dumps(
        {"headers": {"Authorization": f"Bearer {take(d, ALNUM + '._-', 48)}", "Accept": "*/*"}}
    ),
    "aws_key_id": lambda d: logged(d, f"using AKIA{take(d, string.ascii_uppercase + string.digits, 16)} for upload"),
    "aws_secret": lambda d: logged(d, f"aws_secret_access_key={take(d, ALNUM + '/+', 40)}"),
    "github": lambda d: logged(d, f"clone with gh{d.choice('pousr')}_{take(d, ALNUM, 36)}"),
    "slack_token": lambda d: logged(
        d, f"slack xoxb-{take(d, string.digits, 12)}-{take(d, string.digits, 12)}-{take(d, ALNUM, 24)}"
    ),
    "slack_webhook": lambda d: logged(
        d,
        f"post https://hooks.slack.com/services/T{take(d, ALNUM.upper(), 8)}"
        f"/B{take(d, ALNUM.upper(), 10)}/{take(d, ALNUM, 24)}",
    ),
    "stripe": lambda d: logged(d, f"charge by {d.choice(('sk', 'rk'))}_live_{take(d, ALNUM, 24)}"),
    "pem": _pem,
    "jwt": lambda d: logged(d, f"session {_jwt(d)}"),
    "url_password": lambda d: logged(
        d, f"connect postgres://ops:{take(d, ALNUM, 16)}@db-{d.randint(1, 9)}.internal:5432/quay"
    ),
}
HELD_OUT: dict[str, Maker] = {
    "gcp_key": lambda d: logged(d, f"GET /maps?key=AIza{take(d, ALNUM + '-_', 35)}&q=pier"),
    "discord_webhook": lambda d: logged(
        d, f"POST https://discord.com/api/webhooks/{take(d, string.digits, 18)}/{take(d, ALNUM + '-_', 68)} 204"
    ),
    "npm": lambda d: logged(d, f"//registry/:_authToken=npm_{take(d, ALNUM, 36)}"),
    "sendgrid": lambda d: logged(d, f"mail SG.{take(d, ALNUM, 22)}.{take(d, ALNUM, 43)} accepted"),
    "odbc": lambda d: logged(
        d, f"Driver=pg;Server=10.0.0.{d.randint(1, 9)};Uid=ops;Pwd={take(d, ALNUM, 14)};Port=5432"
    ),
    "passphrase": lambda d: json.dumps(
        {"level": "info", "passphrase": " ".join(take(d, string.ascii_lowercase, 6) for _ in range(4))}
    ),
}
BENIGN: dict[str, Maker] = {
    "heartbeat": lambda d: logged(
        d, f"tick {d.randint(1, 10**6)} mid={d.random() * 100:.4f} spread_pct={d.random():.6f}"
    ),
    "artifact": lambda d: json.dumps(
        {
            "path": f"reports/{d.choice(WORDS)}.json",
            "sha256": sha256(d.randbytes(8)).hexdigest(),
            "size": d.randint(1, 9**6),
        }
    ),
    "event": lambda d: json.dumps(
        {"event_id": str(uuid.UUID(int=d.getrandbits(128))), "stream": "hb.fill.v1", "ts_utc": moment(d)}
    ),
    "commit": lambda d: logged(d, f"git commit {d.randbytes(20).hex()} on main by {d.choice(WORDS)}"),
    "masked": lambda d: logged(
        d,
        d.choice(
            ("api_key=***", "password: ********", "token=<redacted>", '"secret": "${QUAY_SECRET}"', "API_KEY=changeme")
        ),
    ),
    "words": lambda d: logged(
        d,
        d.choice(
            (
                "token expired, asking for a new one",
                "password accepted",
                "secret scan: status=pass findings=0",
                "no passphrase given",
            )
        ),
    ),
    "counts": lambda d: json.dumps(
        {
            "token_count": d.randint(1, 10**9),
            "tokens": d.randint(1, 99),
            "password_changed_at": moment(d),
            "token_type": "bearer",
        }
    ),
    "code": lambda d: logged(
        d,
        d.choice(
            (
                'password = os.environ["DB_PASSWORD"]',
                "token=get_token(settings.name)",
                "api_key: str | None = None",
                "Authorization: Bearer ***",
            )
        ),
    ),
    "url": lambda d: logged(d, f"GET https://api.northsea.test/v1/orders/{d.randint(1, 10**9)}?limit=50 200"),
    "digest": lambda d: logged(
        d, f"image quay@sha256:{sha256(d.randbytes(8)).hexdigest()} pulled, etag {d.randbytes(16).hex()}"
    ),
    "fingerprint": lambda d: json.dumps(
        {"secret_sha256": sha256(d.randbytes(8)).hexdigest(), "api_key_id": d.randint(1, 99), "secret_name": "quay/db"}
    ),
}


def corpus(seed: int, benign: int, each: int, kinds: dict[str, Maker]) -> list[tuple[str, str]]:
    """Lines with their kinds, `""` for benign ones, shuffled; each planted kind *each* times."""
    draw = random.Random(seed)
    makers = list(BENIGN.values())
    lines = [(draw.choice(makers)(draw), "") for _ in range(benign)]
    lines += [(make(draw), kind) for kind, make in kinds.items() for _ in range(each)]
    draw.shuffle(lines)
    return lines
