from contextlib import ExitStack

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from node_agent.workload import Entry, Workload


def test_a_request_waits_until_its_first_token() -> None:
    workload = Workload()
    with workload.admit(7) as entry:
        assert (workload.waiting, workload.waiting_prompt_tokens, workload.running) == (1, 7, 0)
        workload.mark_started(entry)
        assert (workload.waiting, workload.waiting_prompt_tokens, workload.running) == (0, 0, 1)
    assert workload.in_flight == 0


def test_only_the_first_token_counts_as_the_first() -> None:
    workload = Workload()
    with workload.admit(7) as entry:
        workload.mark_started(entry)
        workload.mark_started(entry)
        assert (workload.waiting, workload.running) == (0, 1)


def test_a_request_that_fails_is_counted_out() -> None:
    workload = Workload()
    with pytest.raises(RuntimeError), workload.admit(7):
        raise RuntimeError
    assert (workload.in_flight, workload.waiting_prompt_tokens) == (0, 0)
    assert workload.idle.is_set()


def test_the_workload_is_idle_only_with_nothing_in_flight() -> None:
    workload = Workload()
    assert workload.idle.is_set()
    with workload.admit(1):
        with workload.admit(1):
            pass
        assert not workload.idle.is_set()
    assert workload.idle.is_set()


class Traffic(RuleBasedStateMachine):
    """Requests that come, start and go in any order."""

    entries = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.workload = Workload()
        self.open: dict[int, tuple[Entry, ExitStack]] = {}
        self.started: set[int] = set()

    @rule(target=entries, tokens=st.integers(1, 99))
    def come(self, tokens: int) -> int:
        stack = ExitStack()
        entry = stack.enter_context(self.workload.admit(tokens))
        self.open[id(entry)] = (entry, stack)
        return id(entry)

    @rule(key=entries)
    def start(self, key: int) -> None:
        if key in self.open:
            self.workload.mark_started(self.open[key][0])
            self.started.add(key)

    @rule(key=consumes(entries))
    def go(self, key: int) -> None:
        _, stack = self.open.pop(key)
        stack.close()
        self.started.discard(key)

    @invariant()
    def counts_are_exact(self) -> None:
        waiting = [entry for key, (entry, _) in self.open.items() if key not in self.started]
        assert self.workload.running == len(self.started)
        assert self.workload.waiting == len(waiting)
        assert self.workload.waiting_prompt_tokens == sum(one.prompt_tokens for one in waiting)
        assert self.workload.idle.is_set() == (not self.open)


TestTraffic = Traffic.TestCase
