"""A node that is killed: what its clients and its operators see, and how it comes back."""

import os
import signal

import pytest

from nearfield.client.client import Client
from nearfield.core.errors import Evicted
from nearfield.core.geo import Position
from nearfield.core.node import Health
from nearfield.local.processes import ProcessId
from tests.support.waiting import until, until_true
from tests.support.whole_fleet import WholeFleet

pytestmark = pytest.mark.engine

OSAKA = Position(34.69, 135.50)
TOKYO = "nrt1-1"


async def test_a_killed_node_loses_one_answer_and_no_more_and_may_come_back(
    fleet: WholeFleet, client: Client
) -> None:
    before = await fleet.node(TOKYO)
    process = await fleet.process(TOKYO)
    engines = [ProcessId.of(one.pid) for one in process.children(recursive=True)]
    assert engines

    answer = client.generate("Go on.", near=OSAKA, max_tokens=200, ignore_eos=True)
    chunks = aiter(answer)
    await anext(chunks)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(Evicted):
        async for _ in chunks:
            pass

    # the lease still names it: the client finds the way by itself
    following = client.generate("Go on.", near=OSAKA, max_tokens=2)
    await following.text()
    assert following.provenance is not None
    assert following.provenance.pop == "fra1"
    await until_true(lambda: fleet.node(TOKYO), lambda view: view.health is Health.LOST)
    await until(lambda: fleet.check(TOKYO), "critical")
    await until(lambda: _left(engines), [])

    fleet.restart(TOKYO)
    await fleet.wait_for_work(TOKYO)
    assert (await fleet.node(TOKYO)).info.incarnation != before.info.incarnation
    await until(lambda: fleet.check(TOKYO), "passing")
    async with fleet.client() as newcomer:
        again = newcomer.generate("Go on.", near=OSAKA, max_tokens=2)
        await again.text()
    assert again.provenance is not None
    assert again.provenance.node == TOKYO


async def _left(ids: list[ProcessId]) -> list[ProcessId]:
    return [one for one in ids if one.find() is not None]
