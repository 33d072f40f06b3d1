"""One process per GPU host: serves a model with an embedded engine and reports its load."""
