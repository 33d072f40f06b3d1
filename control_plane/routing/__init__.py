"""Where to ask: filters, prediction, rank. Pure; takes values and returns values."""
