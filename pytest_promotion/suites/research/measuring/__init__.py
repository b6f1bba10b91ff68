"""From a panel of signals to the evidence of a candidate: reading, coefficients, files and pictures."""
