"""How a request becomes an answer on this node, free of any transport."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace

from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import NotTakingWork
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
from nearfield.core.node import NodeInfo, NodeState
from node_agent.admission.gate import refusal
from node_agent.admission.validation import check_length, check_request
from node_agent.engine.base import Engine, EngineOutput
from node_agent.intake import Intake
from node_agent.load import LoadMeter
from node_agent.pacing import tokens_per_piece
from node_agent.rates import Rates
from node_agent.workload import Entry, Workload


@dataclass(slots=True)
class Admission:
    """A request that may run: its prompt in token ids, and when it arrived."""

    request: Request
    prompt: tuple[int, ...]
    entry: Entry
    arrived: float
    written: int = 0
    timings: Timings = field(default_factory=Timings)


class Answers:
    """Checks, admits and runs requests on one engine."""

    def __init__(
        self,
        engine: Engine,
        node: NodeInfo,
        intake: Intake,
        workload: Workload,
        rates: Rates,
        meter: LoadMeter,
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
        self._queue = queue
        self._clock = clock

    async def read(self, request: Request) -> tuple[int, ...]:
        """Check a request and return its prompt's token ids.

        Raises InvalidRequest or UnknownModel; a node that takes no work says so first.
        """
        if self._intake.state is not NodeState.READY:
            self._raise_refusal(request)
        check_request(request, self._node)
        prompt = await self._engine.tokenize(request.prompt)
        check_length(len(prompt), self._engine.info.model.context_tokens)
        return prompt

    @contextmanager
    def admit(
        self, request: Request, prompt: tuple[int, ...], arrived: float
    ) -> Iterator[Admission]:
        """Hold a place until the block ends; raises Rejected where there is none."""
        self._raise_refusal(request)
        try:
            with self._workload.admit(len(prompt)) as entry:
                yield Admission(request, prompt, entry, arrived)
        finally:
            self._intake.settle()

    async def run(
        self, admission: Admission, trace: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Event]:
        """Stream the answer; its first piece tells where it is made, its last one what it took."""
        outputs = self._engine.generate(
            # Two attempts of one request may meet on one engine, whose ids must differ.
            new_id(admission.request.request_id or "req"),
            admission.prompt,
            admission.request.sampling,
            trace,
            tokens_per_piece(self._workload.in_flight, self._rates.decode_tokens_per_second),
        )
        async with aclosing(outputs):
            async for output in outputs:
                if output.token_ids or output.text:
                    yield self._delta(admission, output)
                if output.finish_reason is not None:
                    yield self._finish(admission, output, output.finish_reason)

    def _raise_refusal(self, request: Request) -> None:
        why = refusal(
            self._intake.state,
            self._intake.reason,
            self._meter.read(),
            self._queue,
            request.first_token_budget,
        )
        if why is not None:
            raise why
        if not self._engine.alive:
            raise NotTakingWork("the node's engine is dead", field="node", limit="failed")

    def _delta(self, admission: Admission, output: EngineOutput) -> Delta:
        delta = Delta(admission.written, output.token_ids, output.text, output.logprobs)
        first = admission.entry.waiting
        admission.written += len(output.token_ids)
        if not first:
            return delta
        self._workload.mark_started(admission.entry)
        admission.timings = Timings(
            queue=output.timings.queue,
            prefill=output.timings.prefill,
            node=self._clock() - admission.arrived,
        )
        return replace(
            delta, provenance=self._provenance(admission, output), timings=admission.timings
        )

    def _provenance(self, admission: Admission, output: EngineOutput) -> Provenance:
        model = self._engine.info.model
        return Provenance(
            pop=self._node.pop,
            node=self._node.name,
            jurisdiction=self._node.jurisdiction,
            model=model.name,
            model_digest=model.digest,
            prompt_tokens=len(admission.prompt),
            cached_prompt_tokens=output.cached_prompt_tokens,
        )

    def _finish(self, admission: Admission, output: EngineOutput, reason: FinishReason) -> Finished:
        cached = output.cached_prompt_tokens
        self._rates.observe(len(admission.prompt) - cached, admission.written, output.timings)
        return Finished(
            reason=reason,
            usage=Usage(len(admission.prompt), cached, admission.written),
            timings=replace(admission.timings, decode=output.timings.decode),
            load=self._meter.read(),
            stop=output.stop,
        )
