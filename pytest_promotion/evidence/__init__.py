"""What gates look at: artifacts read once, their freshness, measurements, and the vault."""
