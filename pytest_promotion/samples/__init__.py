"""What a sample shows about a figure: intervals, differences, drift, and how many samples it takes. Pure, by scipy."""
