"""Every decision in an append-only, hash-chained log, an index over it, and what may be cleared because of it."""
