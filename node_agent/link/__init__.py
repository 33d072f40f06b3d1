"""The node's link to the control plane."""
