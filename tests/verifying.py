"""What `promotion verify` is told in tests of something else than what it demands of whoever acts."""

LOOSE = ("--any-profile", "--any-subject", "--allow-unsigned", "--allow-superseded")
