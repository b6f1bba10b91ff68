"""Commands of the research suite."""
