"""Does the Redis that a service lives on answer?"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from pytest_promotion.errors import GateFailed, PolicyError, Unproven

TIMEOUT_S: Final = 2.0  # for connecting, and again for each answer


_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|[0-9A-Fa-f:.]+")
_HIGHEST_PORT: Final = 65535


class NoAnswer(GateFailed):
    """Redis was asked and did not answer as it should; the message says what it did."""


def redis_url(environ: Mapping[str, str]) -> str:
    """
    REDIS_URL, else a URL of REDIS_HOST, REDIS_PORT, REDIS_DB and REDIS_PASSWORD; "" where neither is set.

    Raises:
        PolicyError: for a host, a port or a number of a database that is none. The message holds no password.
    """
    if url := environ.get("REDIS_URL"):
        return url
    host = environ.get("REDIS_HOST", "")
    if not host:
        return ""
    if not _HOST.fullmatch(host):
        raise PolicyError("REDIS_HOST is no name of a host, expected one such as redis or 10.0.0.7")
    port, database = (environ.get(name) or default for name, default in (("REDIS_PORT", "6379"), ("REDIS_DB", "0")))
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= _HIGHEST_PORT:
        raise PolicyError(f"REDIS_PORT is {port!r}, expected a port from 1 to {_HIGHEST_PORT}")
    if not re.fullmatch(r"[0-9]{1,5}", database):
        raise PolicyError(f"REDIS_DB is {database!r}, expected the number of a database")
    password = environ.get("REDIS_PASSWORD", "")
    login = f":{urllib.parse.quote(password, safe='')}@" if password else ""
    return f"redis://{login}{f'[{host}]' if ':' in host else host}:{port}/{database}"


def ping(url: str) -> str:
    """
    What the Redis at *url* answers to one PING, which is PONG; signs in where *url* names a user or a password.

    Args:
        url: as of REDIS_URL, or of `redis_url`.

    Raises:
        NoAnswer: where nothing listens, nothing is said within `TIMEOUT_S`, or something
            else than PONG is. Neither user nor password stands in the message.
        PolicyError: where *url* is no Redis URL.
        Unproven: where the client library is not installed.
    """
    try:
        import redis  # 0.35 s, the greater part of it asyncio: only for services that need it
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise Unproven("asking Redis needs its client: pip install 'pytest-promotion[health]'") from None
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # the next check is the retry
            protocol=2,  # nothing is said but AUTH, SELECT and PING
            driver_info=None,
        )
    except ValueError:
        # Redis's own sentence may repeat the URL, and with it the password.
        raise PolicyError("REDIS_URL is no Redis URL, expected redis://host:6379/0") from None
    with client:
        try:
            answered = client.ping()
        except redis.TimeoutError:
            raise NoAnswer(f"Redis said nothing within {TIMEOUT_S:g} s") from None
        except redis.AuthenticationError:
            raise NoAnswer("Redis refuses the user or password that it was given, or wants one") from None
        except redis.RedisError as problem:
            raise NoAnswer(f"Redis did not answer PONG: {_plain(problem)}") from None
        except (OSError, ValueError, TypeError, AttributeError) as problem:
            # What is no Redis can say anything, and the client is not proof against all of it.
            raise NoAnswer(f"what listens there is no Redis: {type(problem).__name__}") from None
    if answered is not True:
        raise NoAnswer("Redis answered, but not with PONG")
    return "PONG"


def _plain(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0].rstrip(".")
