"""Who may run now: pure decisions."""
