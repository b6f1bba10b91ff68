"""From a decision to the formats that people and programs read, and their publication."""
