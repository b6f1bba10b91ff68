"""The gates in `sound` are run by sessions of their own."""

collect_ignore = ["sound"]
