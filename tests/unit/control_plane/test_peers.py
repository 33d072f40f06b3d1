"""Where a call comes from, as gRPC says it."""

import pytest

from control_plane.api.peers import address_of


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.7:5000", "10.0.0.7"),
        ("ipv6:[2001:db8::1]:5000", "2001:db8::1"),
        ("ipv6:%5B::1%5D:5000", "::1"),
        ("ipv6:[fe80::1%25eth0]:5000", "fe80::1"),
        ("unix:/run/plane.sock", "unix:/run/plane.sock"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_is_the_peer_without_its_port(peer: str, address: str) -> None:
    assert address_of(peer) == address
