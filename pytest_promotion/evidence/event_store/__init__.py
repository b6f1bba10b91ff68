"""Event stores at size: one strict pass over JSON lines, and incremental rescans."""
