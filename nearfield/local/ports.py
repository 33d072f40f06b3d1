"""Addresses on loopback."""

import socket

HOST = "127.0.0.1"


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
    """Return `count` ports from `base` on, leaving out those in use; 0 takes any."""
    if base == 0:
        return free_ports(count)
    ports: list[int] = []
    port = base
    while len(ports) < count and port < 65536:
        if is_free(port):
            ports.append(port)
        port += 1
    return ports
