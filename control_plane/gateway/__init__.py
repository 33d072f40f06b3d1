"""A process of its own for clients that know one address: a client that lives near them."""
