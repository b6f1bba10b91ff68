"""Proving that gates can fail: what each one read is sabotaged, and it has to turn red."""
