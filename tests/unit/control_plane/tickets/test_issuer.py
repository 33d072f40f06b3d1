import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from control_plane.tickets import issuer as module
from control_plane.tickets.issuer import FRESH_SHARE, TicketIssuer
from control_plane.tickets.keyring import LEAD, KeyRing
from control_plane.tickets.tenants import Tenant, Tenants
from nearfield.core.constraints import Constraints
from nearfield.core.errors import InvalidRequest, TenantUnknown
from nearfield.core.tickets import TTL, Ticket, verify
from tests.support.nearfield_builders import FakeClock
from tests.support.tickets import NOW

TOKEN, OTHER_TOKEN = "token-of-acme-1234", "token-of-bee-56789"
EU = Constraints(jurisdictions=("eu",))
ANYWHERE = Constraints()


class Desk:
    """An issuer, its ring and both its clocks."""

    def __init__(self) -> None:
        self.clock, self.wall = FakeClock(), FakeClock()
        self.wall.now = NOW
        self.ring = KeyRing(self.clock)
        tenants = Tenants({TOKEN: Tenant("acme", "friends", 256), OTHER_TOKEN: Tenant("bee")})
        self.issuer = TicketIssuer(self.ring, tenants, self.wall)

    def issue(
        self, token: str = TOKEN, model: str = "m", constraints: Constraints = EU, epoch: int = 0
    ) -> str:
        return self.issuer.issue(token, model, constraints, epoch)[0]

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.wall.advance(seconds)

    def read(self, signed: str) -> Ticket:
        public = self.ring.public()
        keys = {key.key_id: Ed25519PublicKey.from_public_bytes(key.key) for key in public}
        return verify(signed, keys, self.wall())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_ticket_says_who_may_ask_for_what_and_where(desk: Desk) -> None:
    signed, ttl = desk.issuer.issue(TOKEN, "m", EU, 7)
    assert desk.read(signed) == Ticket("acme", "m", "friends", EU, tokens_most=256, epoch=7)
    assert ttl == TTL


def test_a_ticket_tells_the_life_that_is_left(desk: Desk) -> None:
    desk.issue()
    desk.advance(100.25)
    assert desk.issuer.issue(TOKEN, "m", EU, 0)[1] == TTL - 100.25


def test_a_part_of_a_second_is_never_promised_beyond_the_ticket(desk: Desk) -> None:
    desk.wall.now = NOW + 0.75
    assert desk.issuer.issue(TOKEN, "m", EU, 0)[1] == TTL - 0.75


def test_a_ticket_is_given_again_while_most_of_its_life_is_left(desk: Desk) -> None:
    first = desk.issue()
    desk.advance((1 - FRESH_SHARE) * TTL - 1)
    assert desk.issue() == first
    desk.advance(2)
    again, ttl = desk.issuer.issue(TOKEN, "m", EU, 0)
    assert again != first
    assert ttl == TTL


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_after_a_step_of_the_clock_tickets_are_signed_anew(desk: Desk, step: float) -> None:
    desk.issue()
    desk.wall.advance(step)
    signed, ttl = desk.issuer.issue(TOKEN, "m", EU, 0)
    assert ttl == TTL
    assert desk.read(signed).tenant == "acme"


def test_tickets_differ_by_all_that_they_say(desk: Desk) -> None:
    tickets = [
        desk.issue(),
        desk.issue(token=OTHER_TOKEN),
        desk.issue(model="n"),
        desk.issue(constraints=ANYWHERE),
        desk.issue(epoch=1),
    ]
    assert len(set(tickets)) == len(tickets)
    assert desk.issue() == tickets[0]


def test_after_a_rotation_the_new_key_signs(desk: Desk) -> None:
    # The wall stands still, so the first ticket would be fresh for its age.
    first = desk.issue()
    desk.clock.advance(86_400.0 - LEAD)
    desk.ring.rotate_if_due()
    assert desk.issue() == first
    desk.clock.advance(LEAD)
    second = desk.issue()
    assert second != first
    assert desk.read(second) == desk.read(first)


def test_a_client_that_proves_no_tenant_gets_no_ticket(desk: Desk) -> None:
    with pytest.raises(TenantUnknown):
        desk.issue(token="no-such-token-at-all")


def test_constraints_too_long_for_a_ticket_are_refused_every_time(desk: Desk) -> None:
    names = tuple(f"{count:064}" for count in range(64))
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            desk.issue(constraints=Constraints(jurisdictions=names, providers=names))


def test_the_ticket_least_lately_asked_for_makes_room(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHED_MOST", 2)
    kept, dropped = desk.issue(model="a"), desk.issue(model="b")
    desk.advance(5)
    assert desk.issue(model="a") == kept
    desk.issue(model="c")
    assert desk.issue(model="a") == kept
    assert desk.issue(model="b") != dropped
