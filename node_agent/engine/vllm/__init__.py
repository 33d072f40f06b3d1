"""vLLM behind the engine contract: the only folder that imports it."""
