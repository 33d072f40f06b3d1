"""A process of its own in a region of many nodes: takes their links, and keeps one to a replica."""
