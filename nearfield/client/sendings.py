"""One request on its way to one node, and what its answer teaches."""

from nearfield.client.answer import Record
from nearfield.client.attempt import Trip
from nearfield.client.choice import Ranked
from nearfield.client.knowledge import Knowledge
from nearfield.client.prompts import Fingerprint
from nearfield.client.round_trips import SAMPLE_BYTES_MOST
from nearfield.core.inference import Event, Finished, Provenance, Request
from nearfield.core.node import NodeLoad
from nearfield.core.route import Outcome


class Sending:
    """Counts from its making, which is the moment of sending; `end` must follow.

    `request` is as it is to be sent to `candidate`.
    """

    def __init__(
        self,
        request: Request,
        ranked: Ranked,
        prompt: Fingerprint,
        knowledge: Knowledge,
        record: Record,
    ) -> None:
        self.request = request
        self.candidate, self._prediction = ranked.candidate, ranked.prediction
        self._prompt = prompt
        self._knowledge = knowledge
        self._record = record
        self._started = knowledge.clock()
        self.is_admitted = False
        node, bytes_per_token = self.candidate.node, self.candidate.load.bytes_per_token
        self._sent = knowledge.loads.sent(node)
        self._claim = knowledge.prefixes.sent(prompt.keys, node, bytes_per_token)
        record.candidate, record.prediction = self.candidate, self._prediction

    def admitted(self, trip: Trip) -> None:
        """Take up a round trip, and the load that came with the admission."""
        self.is_admitted = True
        self._record.split.round_trip, self._record.split.warm = trip.seconds, trip.warm
        if trip.sample is not None and self._prompt.size <= SAMPLE_BYTES_MOST:
            self._knowledge.round_trips.observe(self.candidate.node, trip.sample)
        if trip.load is not None:
            since = self._knowledge.clock() - self._started - trip.seconds
            # The load counts this request, and with it all that left before it.
            self._learn(trip.load, age=max(0.0, since), unseen=trip.seconds)

    def note(self, event: Event) -> None:
        """Take up what an event of the answer tells."""
        if isinstance(event, Finished):
            trip = self._knowledge.round_trips.get(self.candidate.node)
            self._learn(event.load, unseen=trip.seconds if trip else 0.0)
        elif event.provenance is not None:
            self._first_token(event.provenance)

    def declined(self, wait: float) -> float:
        """Take up that the node would take so many seconds more; return them with the way."""
        self._record.declines += 1
        self._knowledge.loads.declined(self.candidate.node, wait, self._sent)
        return self._prediction.round_trip.seconds + wait

    def end(self) -> None:
        """Take back what was noted for an answer that did not come; twice is once."""
        if not self._claim.ready:
            self._knowledge.prefixes.refused(self._claim)

    def _first_token(self, provenance: Provenance) -> None:
        actual = self._knowledge.clock() - self._started
        self._record.actual = actual
        self._knowledge.prefixes.answered(self._claim, provenance.cached_prompt_tokens)
        self._knowledge.outcomes.add(
            Outcome(self.candidate.node, self._prediction.ttft, actual, self.candidate.tier)
        )

    def _learn(self, load: NodeLoad, *, age: float = 0.0, unseen: float) -> None:
        self._knowledge.loads.learn(self.candidate.node, load, age=age, unseen=unseen)
