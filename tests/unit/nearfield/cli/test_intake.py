import asyncio
import dataclasses

import pytest

from nearfield.cli import intake
from nearfield.cli.output import Format
from nearfield.core.node import Health, Intake, NodeLoad, NodeState
from tests.support.cli import Cli
from tests.support.nearfield_builders import eventually, view
from tests.support.nearfield_servers import serve_admin


@pytest.mark.parametrize(
    ("verb", "state", "asked"),
    [
        ("cordon", NodeState.CORDONED, Intake.CORDONED),
        ("drain", NodeState.DRAINED, Intake.DRAINED),
        ("resume", NodeState.READY, Intake.OPEN),
    ],
)
async def test_a_verb_asks_for_its_state_and_waits_for_it(
    cli: Cli, verb: str, state: NodeState, asked: Intake
) -> None:
    async with serve_admin(view("fra1-a", state=NodeState.CORDONED)) as admin:
        done = await cli(verb, "fra1-a", "--admin", admin.address, "-o", "json")
        assert admin.views["fra1-a"].desired.intake is asked
    assert done.status == 0
    assert set(done.json) == {"name", "desired", "durable", "node"}
    assert (done.json["node"]["state"], done.json["desired"]["intake"]) == (state, asked)
    assert done.json["durable"] is True


async def test_the_reason_is_handed_on_and_shown_as_it_is(cli: Cli) -> None:
    async with serve_admin(view("fra1-a")) as admin:
        done = await cli("drain", "fra1-a", "--reason", "kernel [update]", "--admin", admin.address)
    assert done.out == "fra1-a is drained: kernel [update]\n"


async def test_a_drain_tells_how_many_requests_are_left(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve_admin(view("fra1-a")) as admin:
        draining = view(
            "fra1-a",
            state=NodeState.DRAINING,
            applied_revision=1,
            load=NodeLoad(running=2, waiting=1),
        )
        one_left = dataclasses.replace(draining, load=NodeLoad(running=1))
        drained = dataclasses.replace(draining, state=NodeState.DRAINED, load=NodeLoad())
        admin.applies = False
        for change in (draining, draining, one_left, drained):
            admin.changes.put_nowait((change, False))
        done = await cli("drain", "fra1-a", "--admin", admin.address)
    assert done.out.splitlines() == [
        "fra1-a: 3 requests to finish",
        "fra1-a: 1 requests to finish",
        "fra1-a is drained",
    ]


async def test_what_is_not_durable_is_said(cli: Cli) -> None:
    async with serve_admin(view("fra1-a")) as admin:
        admin.durable = False
        done = await cli("cordon", "fra1-a", "--admin", admin.address)
    assert "not durable yet" in done.out


async def test_a_node_that_is_away_is_not_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_APPLY_SECONDS", 600)
    async with serve_admin(view("fra1-a", health=Health.LOST)) as admin, asyncio.timeout(20):
        admin.applies = False
        await intake._set(admin.address, "fra1-a", Intake.CORDONED, "", Format.TEXT)
    assert capsys.readouterr().out.splitlines() == [
        "fra1-a is lost",
        "the node has not applied it yet; it will when it is heard again",
    ]


async def test_a_node_that_does_not_apply_it_is_not_waited_for_without_end(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_APPLY_SECONDS", 0.2)
    async with serve_admin(view("fra1-a")) as admin:
        admin.applies = False
        done = await cli("cordon", "fra1-a", "--admin", admin.address)
    assert "has not applied it yet" in done.out


async def test_other_nodes_changes_are_not_taken_for_its_own(cli: Cli) -> None:
    async with serve_admin(view("fra1-a"), view("fra1-b")) as admin:
        admin.applies = False
        running = asyncio.create_task(
            cli("cordon", "fra1-b", "--admin", admin.address, "-o", "json")
        )
        await eventually(lambda: admin.views["fra1-b"].desired.revision == 1)
        ready = view("fra1-a", applied_revision=9)
        admin.changes.put_nowait((ready, False))
        cordoned = view("fra1-b", state=NodeState.CORDONED, applied_revision=1)
        admin.changes.put_nowait((cordoned, False))
        done = await running
    assert done.json["node"]["info"]["name"] == "fra1-b"


async def test_a_node_that_never_joined_is_an_error(cli: Cli) -> None:
    async with serve_admin() as admin:
        done = await cli("drain", "nowhere", "--admin", admin.address)
    assert (done.status, done.err) == (1, "error: no node 'nowhere' has joined\n")
