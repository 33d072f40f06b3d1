"""Knows the fleet and says where to ask; never sees a prompt."""
