"""Why a decision is what it is, what would turn it, and how it differs from another."""
