"""Suites: the gates, policy, commands and machinery of one governed system each."""
