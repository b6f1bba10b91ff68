"""The knowledge base: what it finds, whether that gets worse, and what is to be done about it."""
