"""Infrastructure plans: what would be destroyed, what has drifted, and what of it may be kept as evidence."""
