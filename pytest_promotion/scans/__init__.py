"""Security scans: what a scanner found, whatever its format, and whether that may be promoted."""
