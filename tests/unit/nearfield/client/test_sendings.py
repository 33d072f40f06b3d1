import random
from dataclasses import replace

import pytest

from nearfield.client.answer import Record
from nearfield.client.attempt import Trip
from nearfield.client.choice import Ranked
from nearfield.client.knowledge import Knowledge
from nearfield.client.prompts import Fingerprint, fingerprint
from nearfield.client.round_trips import SAMPLE_BYTES_MOST, RoundTrips
from nearfield.client.sendings import Sending
from nearfield.core.inference import TextPrompt
from nearfield.core.node import NodeLoad
from nearfield.core.route import Outcome, Tier
from tests.support.nearfield_builders import (
    LOAD,
    FakeClock,
    candidate,
    finished,
    first_delta,
    request,
)

PROMPT = fingerprint(TextPrompt("x" * 600), b"s" * 32)
BUSY = NodeLoad(running=7, slots=8)


class Scene:
    """One client's sendings to fra1-a."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        trips = RoundTrips(self.clock)
        self.knowledge = Knowledge(trips, lambda _: True, self.clock, random.Random(1))
        self.record = Record()

    def send(self, prompt: Fingerprint = PROMPT) -> Sending:
        to = candidate(tier=Tier.NEIGHBOUR)
        ranked = Ranked(to, to.prediction, to.prediction.rank)
        return Sending(request(), ranked, prompt, self.knowledge, self.record)

    def load(self) -> tuple[NodeLoad, float, int]:
        known = self.knowledge.loads.get("fra1-a")
        assert known is not None
        return known.load, known.age, known.routed

    def resident(self) -> int:
        return self.knowledge.prefixes.resident(PROMPT.keys, "fra1-a")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_sending_counts_at_once(scene: Scene) -> None:
    scene.knowledge.loads.learn("fra1-a", LOAD)
    scene.send()
    assert scene.load()[2] == 1
    assert scene.resident() == 128
    assert scene.record.candidate == candidate(tier=Tier.NEIGHBOUR)


def test_a_sample_becomes_the_nodes_round_trip(scene: Scene) -> None:
    sending = scene.send()
    assert not sending.is_admitted
    sending.admitted(Trip(warm=True, seconds=0.03, sample=0.03))
    trip = scene.knowledge.round_trips.get("fra1-a")
    assert trip is not None
    assert trip.seconds == 0.03
    assert (scene.record.split.round_trip, scene.record.split.warm) == (0.03, True)
    assert sending.is_admitted


@pytest.mark.parametrize(
    ("prompt", "sample"),
    [(Fingerprint(10), None), (Fingerprint(SAMPLE_BYTES_MOST + 1), 0.03)],
    ids=["disturbed", "long prompt"],
)
def test_what_measures_more_than_the_way_is_no_round_trip(
    scene: Scene, prompt: Fingerprint, sample: float | None
) -> None:
    scene.send(prompt).admitted(Trip(warm=True, seconds=0.03, sample=sample))
    assert scene.knowledge.round_trips.get("fra1-a") is None
    assert scene.record.split.round_trip == 0.03


def test_the_load_of_an_admission_counts_all_that_left_before_it(scene: Scene) -> None:
    sending = scene.send()
    scene.clock.advance(0.05)
    scene.send()
    scene.clock.advance(0.25)
    sending.admitted(Trip(warm=True, seconds=0.1, load=BUSY))
    load, age, routed = scene.load()
    assert (load, routed) == (BUSY, 1)
    assert age == pytest.approx(0.2)


def test_the_end_of_an_answer_brings_a_load_that_what_is_on_its_way_is_no_part_of(
    scene: Scene,
) -> None:
    scene.knowledge.round_trips.observe("fra1-a", 0.1)
    sending = scene.send()
    scene.clock.advance(1.0)
    scene.send()
    scene.clock.advance(0.05)
    sending.note(finished())
    assert scene.load() == (LOAD, 0.0, 1)


def test_predicted_against_actual_is_kept_for_the_control_plane(scene: Scene) -> None:
    sending = scene.send()
    scene.clock.advance(0.4)
    sending.note(first_delta())
    assert scene.record.actual == pytest.approx(0.4)
    (outcome,) = scene.knowledge.outcomes.take()
    predicted = candidate().prediction.ttft
    assert outcome == Outcome("fra1-a", predicted, scene.record.actual, Tier.NEIGHBOUR)


def test_an_answer_keeps_the_claim_and_a_later_miss_removes_it(scene: Scene) -> None:
    first = scene.send()
    first.note(first_delta())
    first.end()
    assert scene.resident() == 128
    second, delta = scene.send(), first_delta()
    assert delta.provenance is not None
    second.note(replace(delta, provenance=replace(delta.provenance, cached_prompt_tokens=0)))
    second.end()
    assert scene.resident() == 0


def test_what_was_not_answered_is_claimed_of_nobody(scene: Scene) -> None:
    sending = scene.send()
    sending.end()
    sending.end()
    assert scene.resident() == 0
    assert scene.knowledge.outcomes.take() == ()


def test_a_decline_teaches_the_wait_and_leaves_nothing_on_its_way(scene: Scene) -> None:
    scene.knowledge.loads.learn("fra1-a", LOAD)
    sending = scene.send()
    assert sending.declined(1.5) == pytest.approx(1.52)
    assert scene.load()[2] == 0
    known = scene.knowledge.loads.get("fra1-a")
    assert known is not None
    assert known.wait_least == 1.5
    assert scene.record.declines == 1
    assert scene.knowledge.outcomes.take() == ()
