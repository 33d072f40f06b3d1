import pytest

from bench.scenarios.policy.policies.links import Links
from nearfield.client.connections import WARM_MOST


def test_a_connection_is_warm_once_its_handshakes_are_done() -> None:
    links = Links()
    assert links.opened("a") is None
    assert links.use("a", 1.0, 0.3) == pytest.approx(1.3)
    assert not links.is_warm("a", 1.2)
    assert links.is_warm("a", 1.3)
    assert links.use("a", 2.0, 0.3) == 2.0


def test_of_idle_connections_those_used_last_stay_open() -> None:
    links = Links()
    names = [str(number) for number in range(WARM_MOST + 2)]
    for name in names:
        links.use(name, 0.0, 0.1)
    for name in names:
        links.release(name)
    assert [name for name in names if links.is_warm(name, 1.0)] == names[2:]


def test_a_connection_in_use_is_not_closed_for_an_idle_one() -> None:
    links = Links()
    links.use("busy", 0.0, 0.1)
    for number in range(WARM_MOST + 2):
        links.use(str(number), 0.0, 0.1)
        links.release(str(number))
    assert links.is_warm("busy", 1.0)


def test_a_dropped_connection_pays_its_handshakes_again() -> None:
    links = Links()
    links.use("a", 0.0, 0.1)
    links.drop("a")
    links.release("a")
    assert not links.is_warm("a", 1.0)
    assert links.use("a", 1.0, 0.1) == pytest.approx(1.1)
