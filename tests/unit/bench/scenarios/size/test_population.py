"""Simulated nodes and clients say what real ones do."""

from bench.scenarios.policy.cities import load_cities
from bench.scenarios.size.frames import relayed, size_on_the_wire
from bench.scenarios.size.population import (
    KEYS_OF_A_NODE,
    REPORTS_A_DELTA,
    SimulatedNode,
    node_info,
    node_name,
    prefix_keys,
)
from bench.scenarios.size.questions import DISTINCT, MEASURED, queries, questions
from bench.scenarios.size.relayed import BUSY_EVERY, is_busy
from control_plane.fleet.residency import PrefixIndex
from nearfield.core.wire.node import info_from_wire
from nearfield.core.wire.prefix import summary_from_wire
from nearfield.core.wire.routing import query_from_wire
from protos.nearfield.v1 import fleet_pb2 as pb
from protos.nearfield.v1 import routing_pb2

CITIES = load_cities()


def _frames(node: SimulatedNode, reports: int) -> list[pb.NodeFrame]:
    return [pb.NodeFrame.FromString(one) for _ in range(reports) for one in node.frames()]


def test_a_hello_brings_the_join_token_and_a_node_the_control_plane_takes() -> None:
    hello = pb.NodeFrame.FromString(SimulatedNode(70_000, CITIES, "secret").hello).hello
    assert hello.join_token == "secret"
    assert info_from_wire(hello.node) == node_info(70_000, CITIES)


def test_nodes_are_dealt_out_over_the_cities_in_turn() -> None:
    again = node_info(len(CITIES), CITIES)
    assert (again.pop, again.position) == ("pop000", CITIES[0].position)
    assert node_info(1, CITIES).position == CITIES[1].position


def test_loads_move_from_report_to_report_and_between_nodes() -> None:
    first, second = (_frames(SimulatedNode(number, CITIES, ""), 5) for number in (1, 30))
    loads = [one.report.load.SerializeToString() for one in (*first, *second)]
    assert len(set(loads)) == 10


def test_an_index_follows_a_nodes_snapshot_and_deltas_without_a_gap() -> None:
    index, node = PrefixIndex(), SimulatedNode(3, CITIES, "")
    snapshot = pb.NodeFrame.FromString(node.snapshot()).prefixes
    assert index.take("node", summary_from_wire(snapshot))
    assert len(index) == KEYS_OF_A_NODE
    told = [one.prefixes for one in _frames(node, 2 * REPORTS_A_DELTA) if one.HasField("prefixes")]
    assert [one.seq for one in told] == [2, 3]
    assert all(index.take("node", summary_from_wire(one)) for one in told)
    assert len(index) > KEYS_OF_A_NODE


def test_joined_frames_of_a_relay_are_one_message_of_many() -> None:
    said = b"".join(relayed(link, SimulatedNode(link, CITIES, "x").hello) for link in (1, 300))
    frames = pb.RelayedNodeFrames.FromString(said).frames
    assert [one.link for one in frames] == [1, 300]
    assert [one.frame.hello.node.name for one in frames] == [node_name(1), node_name(300)]


def test_a_message_on_the_wire_has_two_headers() -> None:
    assert size_on_the_wire([b"abc", b""]) == 3 + 2 * (5 + 9)


def test_each_relay_has_its_share_of_busy_nodes() -> None:
    for stream in range(32):
        mine = range(stream, 20_000, 32)
        assert abs(sum(map(is_busy, mine)) - len(mine) / BUSY_EVERY) <= 0.2 * len(mine) / BUSY_EVERY


def test_questions_are_whole_and_a_third_of_them_bring_keys_some_of_them_known() -> None:
    asked = [
        query_from_wire(routing_pb2.RouteRequest.FromString(one))
        for one in questions(1000, CITIES, "token")
    ]
    assert len(asked) == DISTINCT
    assert {one.token for one in asked} == {"token"}
    prefixes = [one.prefix for one in asked if one.prefix]
    assert abs(len(prefixes) - DISTINCT / 3) < 0.05 * DISTINCT
    known = set(prefix_keys())
    assert all(known & set(one.keys) and set(one.keys) - known for one in prefixes)


def test_clients_measured_nodes_that_are_there() -> None:
    for nodes in (1, 1000):
        names = {node_name(number) for number in range(nodes)}
        for one in queries(nodes, CITIES, ""):
            assert names >= one.round_trips.keys()
            assert len(one.round_trips) <= MEASURED
