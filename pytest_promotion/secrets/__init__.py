"""Secrets hygiene: has a secret been written down where many can read it?"""
