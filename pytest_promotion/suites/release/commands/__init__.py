"""Commands of the release suite."""
