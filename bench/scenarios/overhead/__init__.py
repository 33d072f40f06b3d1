"""What the node agent costs over the bare engine, beside vLLM's own OpenAI server."""
