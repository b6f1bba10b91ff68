"""Where evidence comes from: what a command read, what it wrote, and whether its inputs are still the same."""
