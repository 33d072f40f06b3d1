"""Who asks, and the tickets that say what they may do."""
