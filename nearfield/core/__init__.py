"""The words every process shares; imports nothing of ours but the protocol."""
