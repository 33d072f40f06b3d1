"""A fleet on one machine: the product's own processes, and distance emulated around them."""
