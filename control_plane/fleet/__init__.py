"""The live view of the fleet, and how it comes about."""
