"""The gRPC services, thin: read, ask, answer."""
