"""What `promotion verify` is told in tests of something else than what it demands of whoever acts."""

from pytest_promotion.custody.acting import FLAGS, Acting

LENIENT = Acting(without=frozenset(FLAGS))
LOOSE = ("--any-profile", "--any-subject", "--allow-unsigned", "--allow-superseded")
