"""What this host has, and how hard it works."""
