"""Connections to other processes."""

import grpc

from nearfield.core.rpc.options import CHANNEL_OPTIONS
from nearfield.core.rpc.tls import ClientSecurity, Plaintext, check_plaintext, system_authorities


def open_channel(address: str, security: ClientSecurity, *, means: str = "") -> grpc.aio.Channel:
    """Return a channel to `host:port`; it connects when first used.

    `means` is the endpoint behind `address` where that is a tunnel or a relay: the
    certificate must name the endpoint. Raises ConfigError for plain text off loopback.
    """
    if isinstance(security, Plaintext):
        check_plaintext(address, "plaintext")
        return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    authority = security.authority or system_authorities()
    options: tuple[tuple[str, int | str], ...] = CHANNEL_OPTIONS
    if means not in ("", address):
        # Verification stays on: it is this name's instead of the relay's.
        host = means.rpartition(":")[0].strip("[]")
        options = (*options, ("grpc.ssl_target_name_override", host))
    credentials = grpc.ssl_channel_credentials(authority)
    return grpc.aio.secure_channel(address, credentials, options=options)
