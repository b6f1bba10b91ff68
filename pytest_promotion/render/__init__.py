"""Pure functions from a decision to the forms in which people and programs read it."""
