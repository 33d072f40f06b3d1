"""The benches: each a command that measures one thing end to end."""
