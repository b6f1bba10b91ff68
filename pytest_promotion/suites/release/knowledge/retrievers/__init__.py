"""What is measured: the search of the user's own application, or one of the built-in references."""
