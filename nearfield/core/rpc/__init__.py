"""gRPC as the project uses it: one way to serve, to connect and to fail."""
