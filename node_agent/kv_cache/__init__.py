"""The memory behind the attention: how much, in what form, and what it saves."""
