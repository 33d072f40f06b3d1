"""Policies against one another on a fleet of real nodes at emulated distances."""
