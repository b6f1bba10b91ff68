"""Release governance: what it judges by, and whole sessions of its gates."""
