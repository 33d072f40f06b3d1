import socket

import pytest

from nearfield.core.errors import ConfigError
from nearfield.local.ports import HOST, free_ports, is_free, ports_from


def test_a_port_that_is_bound_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_free_ports_are_all_different_and_can_be_bound() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_no_base_takes_any_ports() -> None:
    assert len(set(ports_from(0, 5))) == 5


def test_ports_run_from_the_base_past_those_in_use() -> None:
    with socket.create_server((HOST, 0)) as taken:
        base = taken.getsockname()[1]
        ports = ports_from(base, 3)
    assert base not in ports
    assert ports == sorted(ports)
    assert min(ports) > base


@pytest.mark.parametrize("base", [-1, 65534, 65536, 100_000])
def test_a_base_without_enough_ports_above_it_is_refused_by_name(base: int) -> None:
    with pytest.raises(ConfigError) as caught:
        ports_from(base, 3)
    assert caught.value.field == "port"
