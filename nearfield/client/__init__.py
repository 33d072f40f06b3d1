"""The client: asks where to go, then streams from the node itself."""
