"""The centre is out of a request's way."""

import pytest

from nearfield.client.client import Client
from nearfield.core.geo import Position
from nearfield.core.route import Tier
from tests.support.whole_fleet import WholeFleet

pytestmark = pytest.mark.engine

BERLIN = Position(52.52, 13.41)
REQUESTS = 30


async def test_in_steady_state_no_request_asks_the_control_plane(
    fleet: WholeFleet, client: Client
) -> None:
    await client.generate("Hello", near=BERLIN, max_tokens=1).text()
    answered = await fleet.routes_answered()
    for number in range(REQUESTS):
        await client.generate(f"Hello {number}", near=BERLIN, max_tokens=1).text()
    assert (client.routes_asked, client.routes_awaited) == (1, 1)
    assert await fleet.routes_answered() == answered


async def test_an_answer_says_what_was_predicted_and_on_which_step_of_the_ladder(
    client: Client,
) -> None:
    answer = client.generate("Hello", near=BERLIN, max_tokens=1)
    await answer.text()
    assert answer.tier is Tier.POP
    assert answer.record.predicted > 0


async def test_what_came_of_answers_is_told_with_the_next_question(
    fleet: WholeFleet,
) -> None:
    before = await fleet.metric("nearfield_prediction_error_count")
    async with fleet.client() as client:
        for _ in range(3):
            await client.generate("Hello", near=BERLIN, max_tokens=1).text()
        # Another place is another lease, and its question takes the outcomes along.
        await client.generate("Hello", near=(35.7, 139.7), max_tokens=1).text()
    assert await fleet.metric("nearfield_prediction_error_count") - before == 3
