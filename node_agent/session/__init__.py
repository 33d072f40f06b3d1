"""Generations as they travel: many over one session, or one over a call of its own."""
