"""Does the Redis that a service lives on answer?"""

from __future__ import annotations

from typing import Final

from pytest_promotion.errors import GateFailed, PolicyError, Unproven

TIMEOUT_S: Final = 2.0  # for connecting, and again for each answer


class NoAnswer(GateFailed):
    """Redis was asked and did not answer as it should; the message says what it did."""


def ping(url: str) -> str:
    """
    What the Redis at *url* answers to one PING, which is PONG; signs in where *url* names a user or a password.

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
            raise NoAnswer("Redis refuses the user or password of REDIS_URL, or wants one") from None
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
