"""Commands of the trading suite."""
