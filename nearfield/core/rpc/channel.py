"""Connections to other processes."""

import grpc

from nearfield.core.rpc.options import CHANNEL_OPTIONS


def open_channel(address: str) -> grpc.aio.Channel:
    """Return a channel to `host:port`; it connects when first used."""
    return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
