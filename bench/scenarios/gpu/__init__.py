"""A check and a measurement of a node on a machine with an NVIDIA GPU."""
