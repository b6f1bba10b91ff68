"""Compose files: reading them strictly, filling in their variables, and judging whether an engine could run them."""
