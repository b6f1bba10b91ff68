"""Service level objectives: what a load test measured, held against targets, and targets suggested from it."""
