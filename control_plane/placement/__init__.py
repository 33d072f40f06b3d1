"""Which node should serve which of its models, so that capacity follows demand."""
