"""The target's own test suites, really run: groups, their processes, and one report of them."""
