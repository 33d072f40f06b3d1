"""Addresses on loopback."""

import socket

from nearfield.core.errors import ConfigError

HOST = "127.0.0.1"
_LAST = 65535


def is_free(port: int) -> bool:
    """Whether a port can be bound on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return ports that are free now, all different."""
    probes = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def ports_from(base: int, count: int) -> list[int]:
    """Return `count` ports from `base` on, leaving out those in use; 0 takes any.

    Raises ConfigError where there are not as many.
    """
    if base == 0:
        return free_ports(count)
    ports: list[int] = []
    port = base
    while len(ports) < count and 0 < port <= _LAST:
        if is_free(port):
            ports.append(port)
        port += 1
    if len(ports) < count:
        raise ConfigError(
            f"there are no {count} free ports from {base} on", field="port", limit=f"0 to {_LAST}"
        )
    return ports
