"""A change of the trace schema, and all that has to come with it."""
