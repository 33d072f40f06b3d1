"""A Consul that is gone, frozen, without a leader or loses answers."""

import asyncio
import json
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import test_utils, web

from control_plane.directory.base import Check
from control_plane.directory.consul import ConsulDirectory
from nearfield.core.errors import DirectoryUnavailable
from nearfield.core.node import Desired
from tests.support.consul import ConsulAgent
from tests.support.records import record

PATIENCE = 1.5
"""Seconds of a directory whose Consul is meant not to answer."""
HANG = 60.0
"""Seconds after which a call that should have ended counts as hung."""


@pytest.fixture
def own_consul(tmp_path):
    """A Consul that a test may stop."""
    with ConsulAgent(tmp_path / "consul") as agent:
        yield agent


@dataclass
class Relay:
    """Stands before a Consul: notes what is written, and answers wrongly as often as told."""

    consul: str
    faults: list[int] = field(default_factory=list)
    """Statuses for the next writes, which Consul sees nonetheless; 0 breaks the connection."""
    written: list[bytes] = field(default_factory=list)
    address: str = ""

    async def pass_on(self, request):
        body = await request.read()
        url = f"http://{self.consul}{request.rel_url}"
        async with aiohttp.request(request.method, url, data=body) as answer:
            reply = web.Response(status=answer.status, body=await answer.read())
        if request.method == "PUT":
            self.written.append(body)
            if self.faults:
                reply.set_status(self.faults.pop(0) or 200)
                if reply.status == 200:
                    request.transport.abort()
        return reply


@pytest.fixture
async def relay(consul):
    made = Relay(consul.address)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.pass_on)
    async with test_utils.TestServer(app) as server:
        made.address = f"127.0.0.1:{server.port}"
        yield made


async def test_a_stopped_consul_is_unavailable_and_one_started_again_is_not(own_consul):
    async with ConsulDirectory(own_consul.address, seconds=PATIENCE) as directory:
        await directory.put([record()])
        own_consul.stop()
        async with asyncio.timeout(HANG):
            for call in (directory.nodes(), directory.put([record("b")]), directory.desired()):
                with pytest.raises(DirectoryUnavailable, match=own_consul.address):
                    await call
        own_consul.start()
        await directory.put([record("b")])
        assert await directory.nodes() == (record("b"), record())


async def test_a_frozen_consul_is_unavailable_and_no_hang(own_consul):
    async with ConsulDirectory(own_consul.address, seconds=PATIENCE) as directory:
        await directory.put([record()])
        own_consul.freeze()
        async with asyncio.timeout(HANG):
            with pytest.raises(DirectoryUnavailable, match="no answer"):
                await directory.nodes()
            with pytest.raises(DirectoryUnavailable, match="no answer"):
                await directory.put_desired("fra1-a", Desired(1))
        own_consul.thaw()
        assert await directory.nodes() == (record(),)


async def test_a_consul_that_cannot_be_reached_fails_the_start(own_consul):
    own_consul.stop()
    with pytest.raises(DirectoryUnavailable, match=own_consul.address):
        async with ConsulDirectory(own_consul.address, seconds=PATIENCE):
            pass


async def test_a_call_outlasts_a_restart_and_the_election_after_it(own_consul):
    async with ConsulDirectory(own_consul.address, seconds=HANG) as directory:
        await directory.put([record()])
        own_consul.stop()
        nodes, _ = await asyncio.gather(directory.nodes(), asyncio.to_thread(own_consul.start))
        assert nodes == (record(),)


async def test_only_what_changed_is_sent(relay):
    async with ConsulDirectory(relay.address) as directory:
        await directory.put([record("a"), record("b")])
        relay.written.clear()
        await directory.put([record("a"), record("b")])
        assert relay.written == []
        await directory.put([record("a"), record("b", Check.CRITICAL)])
        (body,) = relay.written
        assert [step["Check"]["Check"]["Node"] for step in json.loads(body)] == ["b"]


@pytest.mark.parametrize("fault", [0, 429, 500, 503])
async def test_a_write_whose_answer_was_lost_still_counts_as_won(relay, fault):
    async with ConsulDirectory(relay.address) as directory:
        relay.faults += [fault, fault]
        assert await directory.put_desired("a", Desired(1))
        assert relay.faults == []
        assert not await directory.put_desired("a", Desired(1))
        assert await directory.desired() == {"a": Desired(1)}


@pytest.mark.parametrize("fault", [0, 429, 500, 503])
async def test_nodes_whose_answer_was_lost_are_written_again(relay, fault):
    async with ConsulDirectory(relay.address) as directory:
        relay.faults += [fault, fault]
        await directory.put([record()])
        assert relay.faults == []
        assert await directory.nodes() == (record(),)


async def test_after_a_write_that_failed_for_good_nothing_is_taken_as_written(relay):
    async with ConsulDirectory(relay.address) as directory:
        await directory.put([record()])
        relay.faults += [400]
        with pytest.raises(DirectoryUnavailable, match="400"):
            await directory.put([record(check=Check.WARNING)])
        relay.written.clear()
        await directory.put([record()])
        assert len(relay.written) == 1
        assert await directory.nodes() == (record(),)
