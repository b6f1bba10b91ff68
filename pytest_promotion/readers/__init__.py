"""One module a file format: from the bytes that other tools write to typed facts."""
