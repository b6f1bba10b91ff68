"""Deterministic replay: the last events of a store, folded again in fresh processes, must lead to the same states."""
