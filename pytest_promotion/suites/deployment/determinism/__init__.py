"""Is it the same everywhere? Canonical JSON, root hashes of traces, and a second runtime that has to agree."""
