"""
Promotion gates are tests.
"""
