"""Time to first token of a fleet under open-loop load."""
