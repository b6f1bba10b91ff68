"""
What can go wrong, each as one sentence a person can act on.

PromotionError
  x GateFailed        the evidence was judged, and the answer is no; also an AssertionError
  |   - health.bus.NoAnswer          Redis does not answer with PONG
  x Unproven          there is no answer: evidence is missing, unreadable or too thin
  |   - Unfinished    a decision of a session that has not ended, or was killed
  |   - Unanswered    a service did not answer a request
  x PolicyError       the policy, or an option beside it, cannot be used
  x BadTimestamp      in `clock`: a timestamp that does not say which moment it means; also a ValueError
  x                   in packages, where only their own commands catch them:
      - compose.findings.Refused      a file that is no Compose file
      - compose.images.BadReference, compose.interpolation.BadTemplate, compose.short_syntax.BadForm
      - rollout.permission.Refused    a deployment that may not begin: nothing was changed
      - rollout.run.Failed            a deployment that changed something, and it is not as it should be
      - rollout.health.Unhealthy      a service that is not healthy at this moment
      - watch.AnotherWatcher          the state belongs to a process that is running

Callers catch what they mean, and never look at the text of a message.
"""

from __future__ import annotations


class PromotionError(Exception):
    """Base of everything that this package raises for its callers to catch."""


class GateFailed(PromotionError, AssertionError):
    """The evidence was judged and found wanting: the gate's outcome is FAIL."""


class Unproven(PromotionError):
    """
    The evidence is missing, unreadable or too thin to judge: the gate's outcome is INCONCLUSIVE.

    Not an `AssertionError`, so that `pytest.raises(AssertionError)` in a gate cannot turn
    missing evidence into success.
    """


class Unfinished(Unproven):
    """A decision says of itself that its session has not finished: it decided nothing, and that is known."""


class Unanswered(Unproven):
    """
    A service did not answer a request, not in time, or not as agreed.

    The message names the address. Where the address is a secret, as that of a webhook is, the message may not be shown.
    """


class PolicyError(PromotionError):
    """The policy, or an option beside it, cannot be used: the session ends with exit code 4."""
