"""Decisions that somebody else can check: keys, envelopes, statements, and what may be acted on."""
