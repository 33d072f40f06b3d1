"""What is asked of the real fleet, from where and when: five workloads, drawn before they run.

One seed makes one demand. Each policy plays it with a tag of its own before every prompt, of
one length for all, so that no policy finds in a cache what another one left there; its own
system prompts it meets again in every round.
"""

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.arrivals import poisson
from bench.workload import VOCABULARY
from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import ChatPrompt, Message
from node_agent.demo_model.questions import EXCHANGES

OWN_WORDS = (60, 180)
"""Of a prompt that shares nothing; a word is 1.6 tokens of the demonstration model."""
SYSTEMS = 2
SYSTEM_WORDS = 1000
"""Some 1600 of the demonstration model's 2048 tokens of context."""
TURNS = 4
TURN_WORDS = 120
THINK_SHARE = 1 / 6
"""Of a play between two turns, on average."""
SURGE = 5.0
"""Times its rate that the first place asks in the middle third of a surge."""
ANSWER_TOKENS = 32
GREETING_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Demand:
    """`rate` requests a second over `seconds`, from `places` places alike."""

    rate: float
    seconds: float
    places: int
    seed: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: seconds from the start, the index of its place, and what it asks."""

    at: float
    place: int
    prompt: ChatPrompt


@dataclass(frozen=True, slots=True)
class Scene:
    """One play's requests in order of time; `outage` is from when to when a node is away."""

    name: str
    asks: tuple[Ask, ...]
    outage: tuple[float, float] | None = None


def build(name: str, demand: Demand, tag: str) -> Scene:
    """Draw one of SCENES; raises InvalidRequest for another name."""
    if name not in SCENES:
        known = ", ".join(SCENES)
        raise InvalidRequest(f"scene {name!r} is none of {known}", field="scene", limit=known)
    asks = tuple(sorted(SCENES[name](demand, tag), key=lambda ask: ask.at))
    third = demand.seconds / 3
    return Scene(name, asks, (third, 2 * third) if name == FAILURE else None)


def greetings(places: int, tag: str) -> tuple[Ask, ...]:
    """Return two short questions from each place, one after another."""
    return tuple(
        Ask(number * GREETING_SECONDS, number % places, _asking(f"{tag} {number} Hello!"))
        for number in range(2 * places)
    )


def introductions(places: int, tag: str) -> tuple[Ask, ...]:
    """Return a question from each place behind each system prompt, one after another."""
    moments = [(number * GREETING_SECONDS, number % places) for number in range(SYSTEMS * places)]
    systems = [Message("system", text) for text in _systems(tag)]
    hello = Message("user", "Hello!")
    return tuple(
        Ask(at, place, ChatPrompt((systems[number // places], hello)))
        for number, (at, place) in enumerate(moments)
    )


def _independent(demand: Demand, tag: str) -> Iterator[Ask]:
    rng = random.Random(f"prompts.{demand.seed}")
    for number, (at, place) in enumerate(_moments(demand)):
        yield Ask(at, place, _asking(f"{tag} {number} {_words(rng, rng.randint(*OWN_WORDS))}"))


def _shared(demand: Demand, tag: str) -> Iterator[Ask]:
    yield from _behind_systems(demand, tag, _moments(demand))


def _surge(demand: Demand, tag: str) -> Iterator[Ask]:
    third = demand.seconds / 3
    more = demand.rate / demand.places * (SURGE - 1)
    added = [(third + at, 0) for at in poisson(more, third, _number(f"surge.{demand.seed}"))]
    yield from _behind_systems(demand, tag, list(heapq.merge(_moments(demand), added)))


def _behind_systems(demand: Demand, tag: str, moments: list[tuple[float, int]]) -> Iterator[Ask]:
    rng = random.Random(f"prompts.{demand.seed}")
    systems = _systems(tag)
    for at, place in moments:
        system = Message("system", rng.choice(systems))
        yield Ask(at, place, ChatPrompt((system, Message("user", _question(rng)[0]))))


def _systems(tag: str) -> list[str]:
    rng = random.Random("systems")  # in every round the same, as system prompts are
    return [f"{tag} {number} {_words(rng, SYSTEM_WORDS)}" for number in range(SYSTEMS)]


def _chat(demand: Demand, tag: str) -> Iterator[Ask]:
    """Yield conversations whose answers are written beforehand: no policy may change demand."""
    rng = random.Random(f"prompts.{demand.seed}")
    begun = Demand(demand.rate / TURNS, demand.seconds, demand.places, demand.seed)
    for number, (start, place) in enumerate(_moments(begun)):
        at = start
        said = [Message("system", f"{tag} {number}")]
        for _ in range(TURNS):
            question, answer = _question(rng)
            said.append(Message("user", f"{_words(rng, TURN_WORDS)} {question}"))
            yield Ask(at, place, ChatPrompt(tuple(said)))
            said.append(Message("assistant", answer))
            at += THINK_SHARE * demand.seconds * rng.uniform(0.5, 1.5)
            if at >= demand.seconds:
                break


def _moments(demand: Demand) -> list[tuple[float, int]]:
    rng = random.Random(f"places.{demand.seed}")
    arrivals = poisson(demand.rate, demand.seconds, _number(f"arrivals.{demand.seed}"))
    return [(at, rng.randrange(demand.places)) for at in arrivals]


def _asking(text: str) -> ChatPrompt:
    return ChatPrompt((Message("user", text),))


def _question(rng: random.Random) -> tuple[str, str]:
    one = rng.choice(EXCHANGES)
    return one.question, one.answer


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(VOCABULARY, k=count))


def _number(seed: str) -> int:
    return random.Random(seed).getrandbits(32)


INDEPENDENT, SHARED, CHAT = "independent", "shared", "chat"
SURGED, FAILURE = "surge", "failure"
SCENES: dict[str, Callable[[Demand, str], Iterator[Ask]]] = {
    INDEPENDENT: _independent,
    SHARED: _shared,
    CHAT: _chat,
    SURGED: _surge,
    FAILURE: _shared,
}
