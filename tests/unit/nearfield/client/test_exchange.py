import asyncio

import pytest

from nearfield.client.exchange import Exchange
from nearfield.core.errors import EngineDied, NotTakingWork, TimedOut
from nearfield.core.inference import Delta
from nearfield.core.session import Admitted
from tests.support.nearfield_builders import LOAD, finished


class Owner:
    """Remembers what an exchange says."""

    def __init__(self) -> None:
        self.granted: list[int] = []
        self.released: list[bool] = []

    def grant(self, stream: int, tokens: int) -> None:
        assert stream == 3
        self.granted.append(tokens)

    def release(self, stream: int, *, cancel: bool) -> None:
        assert stream == 3
        self.released.append(cancel)


def made(window: int = 8) -> tuple[Exchange, Owner]:
    owner = Owner()
    return Exchange(owner, 3, window, sampled=True), owner


def piece(seq: int, tokens: int = 1) -> Delta:
    return Delta(seq, (7,) * tokens, "x" * tokens)


async def test_events_are_read_in_the_order_in_which_they_came() -> None:
    exchange, owner = made()
    for reply in (piece(0), piece(1), finished()):
        exchange.take(reply)
    assert [await exchange.next() for _ in range(3)] == [piece(0), piece(1), finished()]
    assert owner.released == [False]


async def test_a_reader_that_waits_is_woken() -> None:
    exchange, _ = made()
    reading = asyncio.create_task(exchange.next())
    await asyncio.sleep(0)
    exchange.take(piece(0))
    assert await reading == piece(0)


async def test_admission_is_known_before_the_first_event() -> None:
    exchange, _ = made()
    exchange.take(Admitted(LOAD))
    await exchange.admission()
    assert exchange.admitted == Admitted(LOAD)
    assert exchange.seconds > 0


async def test_a_refusal_ends_the_wait_for_admission() -> None:
    exchange, owner = made()
    exchange.take(NotTakingWork("draining"))
    await exchange.admission()
    assert exchange.admitted is None
    with pytest.raises(NotTakingWork):
        await exchange.next()
    assert owner.released == [False]


async def test_half_a_window_that_was_read_is_granted_anew() -> None:
    exchange, owner = made(window=8)
    for seq in range(0, 12, 2):
        exchange.take(piece(seq, 2))
    await exchange.next()
    assert owner.granted == []
    await exchange.next()
    assert owner.granted == [4]
    for _ in range(3):
        await exchange.next()
    assert owner.granted == [4, 4]


async def test_nothing_is_granted_to_an_answer_that_has_ended() -> None:
    exchange, owner = made(window=2)
    for reply in (piece(0, 2), finished()):
        exchange.take(reply)
    await exchange.next()
    assert owner.granted == []


async def test_what_came_before_an_error_is_read_before_it() -> None:
    exchange, _ = made()
    exchange.take(piece(0))
    exchange.take(EngineDied("gone"))
    assert await exchange.next() == piece(0)
    with pytest.raises(EngineDied):
        await exchange.next()


async def test_closing_cancels_once_and_only_what_runs() -> None:
    exchange, owner = made()
    exchange.close()
    exchange.close()
    assert owner.released == [True]
    exchange.take(piece(0))
    over, owner = made()
    over.take(finished())
    over.close()
    assert owner.released == [False]


async def test_a_deadline_ends_a_wait_and_cancels() -> None:
    exchange, owner = made()
    exchange.expire_after(0.01)
    with pytest.raises(TimedOut) as caught:
        await exchange.next()
    assert caught.value.limit == "0.01 s"
    assert owner.released == [True]
