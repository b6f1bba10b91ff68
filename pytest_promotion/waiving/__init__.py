"""Accepting a failure: which one it is, and whether a waiver covers it. Pure, and without signatures."""
