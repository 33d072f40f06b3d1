"""What is resident where: declared before it is asked for, learned from what was asked."""

import hashlib
from uuid import uuid4

import pytest

from nearfield.client.client import Client
from nearfield.core.constraints import Constraints
from nearfield.core.geo import Position
from nearfield.core.inference import TextPrompt
from nearfield.core.policy import DeclaredPrefix
from nearfield.core.prefix import STEP_BYTES, PrefixSecret, canonical
from nearfield.core.route import Lease, RouteQuery
from nearfield.local.plan import TENANT
from tests.support.recorder import TappedDialer
from tests.support.waiting import until_true
from tests.support.whole_fleet import WholeFleet

pytestmark = pytest.mark.engine

BERLIN = Position(52.52, 13.41)
IN_EUROPE = Constraints(("eu",))
PREFIX_TOKENS_LEAST = 500
"""Half of what `long_text` has; the leftovers of other tests are far shorter."""


def long_text() -> str:
    """Five steps of text that was never asked before."""
    return " ".join(f"Line {number} of {uuid4().hex}." for number in range(26))


async def cached(client: Client, system: str) -> int:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "Go on."}]
    answer = client.chat(messages, constraints=IN_EUROPE, max_tokens=1)
    await answer.text()
    assert answer.usage is not None
    return answer.usage.cached_prompt_tokens


async def test_a_declared_prefix_is_resident_before_its_first_request_and_stays_so(
    fleet: WholeFleet, client: Client
) -> None:
    text = long_text()
    before = (await fleet.node("fra1-1")).load.kv_cache.query_tokens
    await fleet.admin.declare_prefix(
        DeclaredPrefix("helpdesk", "demo", text, tenant=TENANT, pops=("fra1",), system=True)
    )
    try:
        await prefilled(fleet, before)
        assert await cached(client, text) > 0
        await prefilled(fleet, await cleared(fleet))
        assert await cached(client, text) > 0
    finally:
        await fleet.admin.withdraw_prefix("helpdesk")


async def cleared(fleet: WholeFleet) -> int:
    """Clear the node's cache and return the prompt tokens it had looked up by then."""
    times = (await fleet.node("fra1-1")).load.kv_cache.cleared
    await fleet.admin.clear_prefix_cache("fra1-1")
    view = await until_true(
        lambda: fleet.node("fra1-1"), lambda view: view.load.kv_cache.cleared > times
    )
    return view.load.kv_cache.query_tokens


async def prefilled(fleet: WholeFleet, before: int) -> None:
    """Wait until the node looked up a long prompt that no client sent."""
    wanted = before + PREFIX_TOKENS_LEAST
    await until_true(
        lambda: fleet.node("fra1-1"), lambda view: view.load.kv_cache.query_tokens > wanted
    )


async def test_another_client_of_the_tenant_is_told_where_a_prefix_is_resident(
    fleet: WholeFleet,
) -> None:
    secret, text = uuid4().bytes, long_text()
    query = RouteQuery(
        "demo",
        BERLIN,
        prefix=PrefixSecret(secret).keys(canonical(TextPrompt(text))),
        prompt_size=len(text),
    )
    async with fleet.client(prefix_secret=secret) as one, fleet.client() as other:
        assert hints(await other.route(query)) == {}
        await one.generate(text, constraints=IN_EUROPE, max_tokens=2).text()
        lease = await until_true(lambda: other.route(query), lambda lease: bool(hints(lease)))
        assert list(hints(lease)) == ["fra1-1"]
        assert hints(lease)["fra1-1"] >= 32
        await fleet.admin.clear_prefix_cache("fra1-1")
        await until_true(lambda: other.route(query), lambda lease: not hints(lease))


def hints(lease: Lease) -> dict[str, int]:
    return {
        one.node: max(one.prefix_hints.values()) for one in lease.candidates if one.prefix_hints
    }


async def test_no_prompt_and_no_hash_that_could_be_guessed_reaches_the_control_plane(
    fleet: WholeFleet,
) -> None:
    secret, text = uuid4().bytes, long_text()
    async with (
        TappedDialer(fleet.tls) as dialer,
        fleet.client(dialer=dialer, prefix_secret=secret) as client,
    ):
        await client.generate(text, near=BERLIN, max_tokens=2).text()
        await client.route(
            RouteQuery("demo", prefix=PrefixSecret(secret).keys(canonical(TextPrompt(text))))
        )
        wire = dialer.to_control_plane
        assert text[:STEP_BYTES].encode() in dialer.to_nodes
        keyed = PrefixSecret(secret).keys(text.encode()).keys[0].to_bytes(8, "little")
        assert keyed in wire
        assert secret not in wire
        assert not any(text[at : at + 16].encode() in wire for at in range(0, len(text), 16))
        assert not any(unkeyed in wire for unkeyed in guesses(text.encode()))


def guesses(data: bytes) -> list[bytes]:
    """What one who knows the text but no secret could look for."""
    first, found = data[:STEP_BYTES], []
    for part in (first, data, bytes(8) + first):
        found += [
            hashlib.blake2b(part, digest_size=8).digest(),
            hashlib.blake2b(part, digest_size=8).digest()[::-1],
            hashlib.sha256(part).digest()[:8],
            hashlib.md5(part, usedforsecurity=False).digest()[:8],
        ]
    return found
