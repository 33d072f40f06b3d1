"""How each system is called; all time the first non-empty text and count tokens from usage."""
