"""Where a call comes from, as gRPC says it."""

from urllib.parse import unquote


def address_of(peer: str) -> str:
    """Return the address without its port, of such as `ipv4:10.0.0.7:5000`."""
    scheme, _, rest = peer.partition(":")
    if scheme not in ("ipv4", "ipv6"):
        return peer
    host = unquote(rest).rpartition(":")[0]
    return host.strip("[]").partition("%")[0]
