"""Routing policies side by side, in virtual time, on a world that misleads them as ours does."""
