"""How a request becomes an answer on this node, free of any transport."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace

from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import NotTakingWork, Rejected
from nearfield.core.identity import new_id
from nearfield.core.inference import (
    Delta,
    Event,
    Finished,
    FinishReason,
    Provenance,
    Request,
    Timings,
    Usage,
)
from nearfield.core.node import NodeInfo, NodeLoad, NodeState
from nearfield.core.prediction import Prompt
from nearfield.core.prefix import PrefixKeys, canonical
from nearfield.core.tickets import Ticket
from node_agent.admission.gate import Patience, refusal
from node_agent.admission.tickets import TicketGate
from node_agent.admission.validation import check_length, check_request
from node_agent.engine.base import Engine, EngineOutput
from node_agent.intake import Intake
from node_agent.load import LoadMeter
from node_agent.pacing import tokens_per_piece
from node_agent.prefixes import Prefixes
from node_agent.rates import Observation, Rates
from node_agent.workload import Entry, Workload


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that may ask: its prompt in token ids and bytes, and whose cache it uses."""

    token_ids: tuple[int, ...]
    size: int
    salt: str


@dataclass(slots=True)
class Admission:
    """A request that may run, what it was prepared to, and when it arrived.

    `keys` are its prompt's, made once.
    """

    request: Request
    prepared: Prepared
    entry: Entry
    arrived: float
    started: float = 0.0
    written: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    timings: Timings = field(default_factory=Timings)
    keys: PrefixKeys | None = None

    @property
    def waited(self) -> float:
        """Seconds from arrival to a slot."""
        return max(0.0, self.started - self.arrived)


class Answers:
    """Checks, admits and runs requests on one engine.

    The engine is never given more than it has slots for: the others wait here, where they
    are counted, in the order in which they came.
    """

    def __init__(
        self,
        engine: Engine,
        node: NodeInfo,
        intake: Intake,
        workload: Workload,
        rates: Rates,
        meter: LoadMeter,
        tickets: TicketGate,
        prefixes: Prefixes,
        *,
        queue: int,
        clock: Clock = monotonic,
    ) -> None:
        self._engine = engine
        self._node = node
        self._intake = intake
        self._workload = workload
        self._rates = rates
        self._meter = meter
        self._tickets = tickets
        self._prefixes = prefixes
        self._queue = queue
        self._clock = clock
        self._slots = asyncio.Semaphore(engine.info.slots)

    def load(self) -> NodeLoad:
        """Return the load of this moment."""
        return self._meter.read()

    async def read(self, request: Request) -> Prepared:
        """Check a request and its ticket, and return what it takes to run it.

        Raises InvalidRequest, UnknownModel or an AccessError; a node that takes no work says
        so first.
        """
        if self._intake.state is not NodeState.READY:
            self._raise(self._refusal(Patience(), Prompt()))
        ticket = self._tickets.check(request.ticket, request, self._node)
        check_request(request, self._node)
        token_ids = await self._engine.tokenize(request.prompt)
        check_length(len(token_ids), self._engine.info.model.context_tokens)
        return Prepared(token_ids, len(canonical(request.prompt)), self._salt(ticket))

    @contextmanager
    def admit(
        self,
        request: Request,
        prepared: Prepared,
        arrived: float,
        deadline: float | None = None,
    ) -> Iterator[Admission]:
        """Hold a place until the block ends; raises Rejected where there is none.

        `deadline` is the moment of the clock after which the answer is worth nothing.
        """
        left = None if deadline is None else deadline - self._clock()
        patience = Patience(request.first_token_budget, left)
        why = self._refusal(patience, Prompt(prepared.size))
        if why is not None and patience.first_token is not None:
            # Only now: hashing a long prompt's blocks costs more than all else here.
            why = self._refusal(patience, Prompt(prepared.size, self._resident_tokens(prepared)))
        self._raise(why)
        try:
            with self._workload.admit(len(prepared.token_ids)) as entry:
                yield Admission(request, prepared, entry, arrived)
        finally:
            self._intake.settle()

    async def run(
        self, admission: Admission, trace: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Event]:
        """Stream the answer; its first piece tells where it is made, its last one what it took."""
        async with self._slots:
            admission.started = self._clock()
            self._note_prompt(admission)
            async with aclosing(self._generate(admission, trace)) as outputs:
                async for output in outputs:
                    if output.token_ids or output.text:
                        yield self._delta(admission, output)
                    if output.finish_reason is not None:
                        yield self._finish(admission, output, output.finish_reason)

    def _generate(
        self, admission: Admission, trace: Mapping[str, str] | None
    ) -> AsyncGenerator[EngineOutput]:
        return self._engine.generate(
            # Two attempts of one request may meet on one engine, whose ids must differ.
            new_id(admission.request.request_id or "req"),
            admission.prepared.token_ids,
            admission.request.sampling,
            trace,
            tokens_per_piece(self._workload.in_flight, self._rates.decode_tokens_per_second),
            admission.prepared.salt,
        )

    def _salt(self, ticket: Ticket) -> str:
        return self._prefixes.salt(ticket.tenant, ticket.group)

    def _resident_tokens(self, prepared: Prepared) -> int:
        return self._prefixes.resident_tokens(prepared.token_ids, prepared.salt)

    def _refusal(self, patience: Patience, prompt: Prompt) -> Rejected | None:
        return refusal(
            self._intake.state,
            self._intake.reason,
            self._meter.read(),
            self._queue,
            patience,
            prompt,
        )

    def _raise(self, why: Rejected | None) -> None:
        if why is not None:
            raise why
        if not self._engine.alive:
            raise NotTakingWork("the node's engine is dead", field="node", limit="failed")

    def _note_prompt(self, admission: Admission) -> None:
        request, prepared = admission.request, admission.prepared
        admission.keys = self._prefixes.note_prompt(
            request.prefix_secret, request.prompt, prepared.token_ids, prepared.salt
        )

    def _delta(self, admission: Admission, output: EngineOutput) -> Delta:
        seq = len(admission.written)
        admission.written += output.token_ids
        admission.text.append(output.text)
        if not admission.entry.waiting:
            return Delta(seq, output.token_ids, output.text, output.logprobs)
        self._workload.mark_started(admission.entry)
        admission.timings = Timings(
            queue=admission.waited + output.timings.queue,
            prefill=output.timings.prefill,
            node=self._clock() - admission.arrived,
        )
        return Delta(
            seq,
            output.token_ids,
            output.text,
            output.logprobs,
            self._provenance(admission, output),
            admission.timings,
        )

    def _provenance(self, admission: Admission, output: EngineOutput) -> Provenance:
        model = self._engine.info.model
        return Provenance(
            pop=self._node.pop,
            node=self._node.name,
            jurisdiction=self._node.jurisdiction,
            model=model.name,
            model_digest=model.digest,
            prompt_tokens=len(admission.prepared.token_ids),
            cached_prompt_tokens=output.cached_prompt_tokens,
        )

    def _finish(self, admission: Admission, output: EngineOutput, reason: FinishReason) -> Finished:
        self._learn(admission, output)
        prompt_tokens = len(admission.prepared.token_ids)
        timings = admission.timings
        return Finished(
            reason=reason,
            usage=Usage(prompt_tokens, output.cached_prompt_tokens, len(admission.written)),
            timings=Timings(timings.queue, timings.prefill, output.timings.decode, timings.node),
            load=self._load_after(),
            stop=output.stop,
        )

    def _load_after(self) -> NodeLoad:
        """Return the load without the request that ends with it, which still holds its place."""
        load = self._meter.read()
        return replace(load, running=max(0, load.running - 1))

    def _learn(self, admission: Admission, output: EngineOutput) -> None:
        """Take up how fast it went, and what a next turn of it would start with."""
        request, prepared = admission.request, admission.prepared
        self._rates.observe(
            Observation(
                prompt_bytes=prepared.size,
                prompt_tokens=len(prepared.token_ids),
                cached_tokens=output.cached_prompt_tokens,
                written=len(admission.written),
                first_token=admission.timings.node - admission.waited,
                decode=output.timings.decode,
                held=self._clock() - admission.started,
            )
        )
        if admission.keys is not None:
            self._prefixes.correct(admission.keys, output.cached_prompt_tokens)
        self._prefixes.note_answer(
            request.prefix_secret,
            request.prompt,
            "".join(admission.text),
            (*prepared.token_ids, *admission.written),
            prepared.salt,
        )
