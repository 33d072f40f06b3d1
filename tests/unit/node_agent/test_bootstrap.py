import pytest

from nearfield.core.errors import ConfigError
from node_agent.bootstrap import node_info
from node_agent.engine.simulated import SimulatedEngine
from node_agent.hardware.host import HostProbe
from tests.support.node_builders import node_settings


def endpoint(**changes: object) -> str:
    return node_info(node_settings(**changes), SimulatedEngine(), HostProbe()).endpoint


def test_a_node_advertises_what_reaches_it_or_else_where_it_listens() -> None:
    assert endpoint(listen="0.0.0.0:7600", advertise="10.0.0.5:7600") == "10.0.0.5:7600"
    assert endpoint(listen="10.0.0.5:7600", advertise="") == "10.0.0.5:7600"


@pytest.mark.parametrize("listen", ["0.0.0.0:7600", "[::]:7600", ":7600", "10.0.0.5:0", "10.0.0.5"])
def test_a_node_of_a_fleet_does_not_advertise_what_nobody_can_dial(listen: str) -> None:
    with pytest.raises(ConfigError) as caught:
        endpoint(listen=listen, advertise="", control_planes=("10.0.0.1:7700",))
    assert caught.value.field == "advertise"


def test_a_node_that_serves_alone_may_listen_anywhere() -> None:
    assert endpoint(listen="0.0.0.0:7600", advertise="") == "0.0.0.0:7600"
