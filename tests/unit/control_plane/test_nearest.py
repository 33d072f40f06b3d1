"""Nearest means soonest: what makes a node the first to be asked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.routing.rows import ROW_NODES
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.geo import Position, distance_km
from nearfield.core.node import NodeLoad, NodeState
from nearfield.core.prediction import RoundTripSource
from nearfield.core.prefix import PrefixKeys
from nearfield.core.route import RouteQuery
from nearfield.local.places import POPS
from tests.support.plane_builders import query, view, view_at
from tests.support.records import FRANKFURT
from tests.support.routing_builders import measured, router_of

WORLD = [view_at(pop) for pop in POPS]
BERLIN = Position(52.52, 13.41)
IDLE = NodeLoad(slots=4, base_seconds=0.05)
PLACES = {"fit": "eu", "unfit": "jp"}


def _first(asked: RouteQuery, *fleet: object) -> str:
    return router_of(*(fleet or WORLD)).route(asked).candidates[0].pop  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("city", "position", "pop"),
    [
        ("Berlin", BERLIN, "fra1"),
        ("Rotterdam", Position(51.92, 4.48), "ams1"),
        ("Madrid", Position(40.42, -3.70), "cdg1"),
        ("Dublin", Position(53.35, -6.26), "lhr1"),
        ("New York", Position(40.71, -74.01), "iad1"),
        ("Los Angeles", Position(34.05, -118.24), "sfo1"),
        ("Honolulu", Position(21.31, -157.86), "sfo1"),
        ("Buenos Aires", Position(-34.60, -58.38), "gru1"),
        ("Cape Town", Position(-33.92, 18.42), "jnb1"),
        ("Delhi", Position(28.61, 77.21), "bom1"),
        ("Jakarta", Position(-6.21, 106.85), "sin1"),
        ("Seoul", Position(37.57, 126.98), "nrt1"),
        ("Auckland", Position(-36.85, 174.76), "syd1"),
        ("Suva, beyond the date line", Position(-18.14, -178.44), "syd1"),
    ],
)
def test_a_city_gets_the_pop_that_a_map_suggests(city: str, position: Position, pop: str) -> None:
    assert _first(query(position)) == pop, city


@settings(deadline=None)
@given(st.builds(Position, st.floats(-90, 90), st.floats(-180, 180)))
def test_of_idle_nodes_the_nearest_come_first_from_everywhere(origin: Position) -> None:
    ranked = [one.candidate.position for one in router_of(*WORLD).explain(query(origin)).nodes]
    distances = [distance_km(origin, position) for position in ranked]
    assert distances == pytest.approx(sorted(distances), abs=1e-6)


def test_a_measured_round_trip_beats_geography() -> None:
    asked = query(BERLIN, round_trips={"fra1-1": measured(0.3), "nrt1-1": measured(0.004)})
    lease = router_of(*WORLD).route(asked)
    first = lease.candidates[0]
    assert first.node == "nrt1-1"
    assert first.prediction.round_trip.source is RoundTripSource.MEASURED
    assert first.prediction.round_trip.seconds == 0.004
    assert "fra1-1" not in [candidate.node for candidate in lease.candidates[:2]]


def test_a_measured_round_trip_of_zero_is_a_measurement() -> None:
    asked = query(BERLIN, round_trips={"syd1-1": measured(0.0)})
    assert _first(asked) == "syd1"


def test_without_an_origin_no_place_is_nearer_than_another() -> None:
    nodes = router_of(*WORLD).explain(query(None)).nodes
    trips = {one.candidate.prediction.round_trip for one in nodes}
    assert len(trips) == 1
    assert trips.pop().source is RoundTripSource.UNKNOWN
    assert [one.candidate.node for one in nodes] == sorted(one.info.name for one in WORLD)


def test_a_loaded_node_nearby_loses_to_an_idle_one_when_the_queue_costs_more() -> None:
    full = NodeLoad(running=4, waiting=1, slots=4, base_seconds=0.05)
    assert _first(query(BERLIN), view_at("fra1", load=full), view_at("ams1", load=IDLE)) == "ams1"


def test_a_loaded_node_nearby_stays_first_while_the_way_costs_more() -> None:
    # 300 prompt tokens ahead take 15 ms here, the way to Tokyo and back far more
    busy = NodeLoad(
        running=2,
        waiting=1,
        waiting_prompt_tokens=300,
        slots=4,
        prefill_tokens_per_second=20_000.0,
        base_seconds=0.05,
    )
    assert _first(query(BERLIN), view_at("fra1", load=busy), view_at("nrt1", load=IDLE)) == "fra1"


def test_a_slow_prefill_can_cost_more_than_the_way() -> None:
    slow = NodeLoad(slots=4, base_seconds=0.5)
    assert _first(query(BERLIN), view_at("fra1", load=slow), view_at("ams1", load=IDLE)) == "ams1"


def test_residency_comes_before_nearness() -> None:
    assert _first(query(BERLIN, constraints=Constraints(jurisdictions=("jp", "au")))) == "nrt1"


def test_a_cordoned_nearest_node_leaves_the_place_to_the_next() -> None:
    fleet = [view_at("fra1", state=NodeState.CORDONED), view_at("ams1"), view_at("nrt1")]
    assert _first(query(BERLIN), *fleet) == "ams1"


def test_alike_nodes_come_by_name() -> None:
    lease = router_of(view("b"), view("a")).route(query(BERLIN))
    assert [candidate.node for candidate in lease.candidates] == ["a", "b"]


def test_an_explanation_says_in_words_what_decided() -> None:
    far = view_at("nrt1", load=IDLE)
    full = view_at("fra1", load=NodeLoad(running=9, slots=1))
    out = view_at("ams1", state=NodeState.DRAINED, reason="new kernel")
    asked = query(BERLIN, round_trips={"nrt1-1": measured(0.2)})
    first, second, third = router_of(far, full, out).explain(asked).nodes
    assert (first.candidate.node, first.rank) == ("nrt1-1", 1)
    assert "round trip" in first.reason
    assert "measured" in first.reason
    assert "queue" in second.reason
    assert "map" in second.reason
    assert (third.excluded_by, third.reason) == ("state", "is drained: new kernel")
    assert first.distance_km == pytest.approx(8900, rel=0.02)


def test_of_a_large_fleet_the_five_soonest_are_handed_out_and_no_more() -> None:
    lease = router_of(*WORLD).route(query(BERLIN))
    assert [one.pop for one in lease.candidates] == ["fra1", "ams1", "cdg1", "lhr1", "bom1"]


def test_a_prompt_that_is_resident_further_away_is_asked_for_there() -> None:
    slow = NodeLoad(slots=4, prefill_tokens_per_second=500.0, bytes_per_token=4.0)
    fleet = [view_at("fra1", load=slow), view_at("ams1", load=slow)]
    asked = query(BERLIN, prompt_size=8000, prefix=PrefixKeys("id", (1, 2, 3)))
    plain, knowing = router_of(*fleet), router_of(*fleet, residents={"ams1-1": 1900})
    assert plain.route(asked).candidates[0].pop == "fra1"
    first, second = knowing.route(asked).candidates
    assert (first.pop, first.prefix_hints) == ("ams1", {3: 1900})
    assert first.prediction.prefill == pytest.approx(0.2)
    assert (second.prediction.prefill, second.prefix_hints) == (4.0, {})
    assert "1900 tokens" in knowing.explain(asked).nodes[0].reason


def test_a_wish_that_is_not_met_counts_as_so_much_later() -> None:
    fleet = [view_at("fra1", load=IDLE), view_at("ams1", load=IDLE, provider="cirrus")]
    wishing = query(BERLIN, preferences=Preferences(providers=("cirrus",), worth=1.0))
    first, second = router_of(*fleet).route(wishing).candidates
    assert (first.pop, first.prediction.penalty) == ("ams1", 0.0)
    assert (second.pop, second.prediction.penalty) == ("fra1", 1.0)


def test_what_a_network_measured_beats_geography_for_its_other_clients() -> None:
    router = router_of(*(view_at(pop, load=IDLE) for pop in POPS))
    for host in range(3):
        trips = {"fra1-1": measured(0.2), "ams1-1": measured(0.012)}
        router.route(query(BERLIN, round_trips=trips), f"10.0.0.{host}")
    other = router.route(query(BERLIN), "10.0.0.77").candidates[0]
    assert (other.pop, other.prediction.round_trip.seconds) == ("ams1", 0.012)
    assert other.prediction.round_trip.source is RoundTripSource.NETWORK
    assert router.route(query(BERLIN), "10.0.9.77").candidates[0].pop == "fra1"


def test_a_clients_own_measurement_beats_its_networks() -> None:
    router = router_of(*(view_at(pop, load=IDLE) for pop in POPS))
    for host in range(3):
        router.route(query(BERLIN, round_trips={"fra1-1": measured(0.2)}), f"10.0.0.{host}")
    own = query(BERLIN, round_trips={"fra1-1": measured(0.009)})
    assert router.route(own, "10.0.0.9").candidates[0].prediction.round_trip == measured(0.009)


def test_a_node_known_to_be_near_is_not_asked_against_the_constraints() -> None:
    near = [view(f"near-{index}", jurisdiction="eu") for index in range(ROW_NODES + 10)]
    tokyo = POPS["nrt1"].position
    known = {name: view(name, position=tokyo, jurisdiction=where) for name, where in PLACES.items()}
    trips = {name: measured(0.0) for name in known}
    asked = query(
        FRANKFURT, constraints=Constraints(jurisdictions=("eu",)), round_trips=trips, prompt_size=9
    )
    router = router_of(*near, *known.values(), residents=dict.fromkeys(known, 500))
    named = [one.node for one in router.route(asked).candidates]
    assert named[0] == "fit"
    assert "unfit" not in named
