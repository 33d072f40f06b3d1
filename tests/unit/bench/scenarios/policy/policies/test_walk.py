from bench.scenarios.policy.policies.base import Wait
from bench.scenarios.policy.policies.walk import Step, Walk
from nearfield.client.answer import Record
from nearfield.client.budget import DECLINES_MOST
from nearfield.client.sendings import Sending
from nearfield.core.inference import Request, TextPrompt
from tests.support.policy_builders import fleet
from tests.support.policy_process import PROMPT, Played


def _step(walk: Walk, now: float) -> Step:
    step = walk.next(now)
    assert isinstance(step, Step)
    walk.sending = Sending(
        Request("", "bench-8b", TextPrompt("")),
        step.ranked,
        walk.prompt,
        walk.process.knowledge,
        Record(),
    )
    return step


def test_after_two_declines_a_new_lease_is_awaited_and_then_who_declined_is_asked_again() -> None:
    played = Played(fleet(("London", DECLINES_MOST + 2)))
    played.leased()
    walk = Walk(played.process, PROMPT)
    declined = []
    for wait in (0.5, 0.2):
        step = _step(walk, played.clock.now)
        assert step.budget is not None
        declined.append(step.ranked.candidate.node)
        walk.declined(wait)
    question = walk.next(played.clock.now)
    assert isinstance(question, Wait)
    played.until(question.until)
    for _ in range(2):
        other = _step(walk, played.clock.now)
        assert other.ranked.candidate.node not in declined
        walk.failed()
    last = [_step(walk, played.clock.now) for _ in declined]
    assert [one.ranked.candidate.node for one in last] == declined[::-1]
    assert [one.budget for one in last] == [None, None]
    assert walk.next(played.clock.now) is None


def test_a_walk_asks_no_node_again_that_failed_and_ends_where_all_did() -> None:
    played = Played(fleet(("London", 1), ("Paris", 1)))
    played.leased()
    walk = Walk(played.process, PROMPT)
    asked = []
    for _ in range(2):
        asked.append(_step(walk, played.clock.now).ranked.candidate.node)
        walk.failed()
    assert sorted(asked) == ["London-0", "Paris-0"]
    assert walk.next(played.clock.now) is None
