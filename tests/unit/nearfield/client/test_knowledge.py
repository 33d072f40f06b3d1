import random
from collections.abc import Callable

import pytest

from nearfield.client.knowledge import Knowledge
from nearfield.client.prompts import Fingerprint, fingerprint
from nearfield.client.round_trips import RoundTrips
from nearfield.core.inference import TextPrompt
from nearfield.core.node import NodeLoad
from nearfield.core.route import Candidate
from tests.support.nearfield_builders import FakeClock, candidate, lease

FULL = NodeLoad(running=8, slots=8, service_seconds=4.0)
PROMPT = fingerprint(TextPrompt("x" * 6000), b"s" * 32)


class Scene:
    """What a client knows; `warm` are the endpoints it is connected to."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.warm: set[str] = set()
        trips = RoundTrips(self.clock)
        self.known = Knowledge(trips, self.warm.__contains__, self.clock, random.Random(1))

    def first(self, *candidates: Candidate, prompt: Fingerprint = PROMPT) -> str:
        return self.known.order(candidates, prompt)[0].candidate.node


A, B = candidate("a", endpoint="a:1"), candidate("b", endpoint="b:1")


def test_a_lease_brings_loads_and_hints() -> None:
    scene = Scene()
    hinted = candidate("b", prefix_hints={PROMPT.keys[-1]: 1400})
    scene.known.learn(lease(candidate("a", load=FULL, load_age=0.5), hinted))
    load = scene.known.loads.get("a")
    assert load is not None
    assert (load.load, load.age) == (FULL, 0.5)
    assert scene.known.prefixes.resident(PROMPT.keys, "b") == 1400


def measure_b(scene: Scene) -> None:
    for _ in range(40):
        scene.known.round_trips.observe("b", 0.001)


def fill_a(scene: Scene) -> None:
    scene.known.loads.learn("a", FULL)


def send_to_a(scene: Scene) -> None:
    scene.known.loads.learn("a", NodeLoad())
    scene.known.loads.sent("a")


def hint_b(scene: Scene) -> None:
    scene.known.prefixes.hint("b", {PROMPT.keys[-1]: 1400})


def connect_b(scene: Scene) -> None:
    scene.warm.add("b:1")


@pytest.mark.parametrize("teach", [measure_b, fill_a, send_to_a, hint_b, connect_b])
def test_each_thing_known_decides_between_equals_by_itself(teach: Callable[[Scene], None]) -> None:
    scene = Scene()
    for _ in range(40):
        scene.known.round_trips.observe("a", 0.04)
        scene.known.round_trips.observe("b", 0.04)
    teach(scene)
    assert {scene.first(A, B) for _ in range(20)} == {"b"}


def test_a_load_of_the_lease_counts_until_a_newer_one_is_known() -> None:
    scene = Scene()
    full = candidate("a", load=FULL, load_age=1.0)
    assert scene.first(full, B) == "b"
    scene.known.loads.learn("a", NodeLoad(slots=8))
    scene.known.loads.learn("b", FULL)
    assert scene.first(full, B) == "a"


def test_a_load_that_a_node_tells_is_half_a_round_trip_old() -> None:
    scene = Scene()
    scene.known.round_trips.observe("a", 0.2)
    scene.known.loads.sent("a")
    scene.clock.advance(0.25)
    scene.known.loads.sent("a")
    scene.clock.advance(0.1)
    scene.known.hear("a", FULL)
    load = scene.known.loads.get("a")
    assert load is not None
    assert (load.load, load.routed) == (FULL, 1)
    assert load.age == pytest.approx(0.1)


def test_a_load_of_a_node_that_was_not_measured_is_taken_too() -> None:
    scene = Scene()
    scene.known.hear("a", FULL)
    load = scene.known.loads.get("a")
    assert load is not None
    assert (load.load, load.age) == (FULL, 0.0)


def test_a_node_that_declined_comes_after_an_idle_one_until_its_wait_has_passed() -> None:
    scene = Scene()
    scene.known.round_trips.observe("a", 0.001)
    scene.known.round_trips.observe("b", 0.1)
    scene.warm.update({"a:1", "b:1"})
    scene.known.learn(lease(A, B))
    scene.known.loads.declined("a", 1.0)
    assert scene.first(A, B) == "b"
    scene.clock.advance(1.0)
    assert scene.first(A, B) == "a"
