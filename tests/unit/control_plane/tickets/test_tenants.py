import pytest

from control_plane.tickets.tenants import Tenant, Tenants
from nearfield.core.errors import TenantUnknown

ACME = Tenant("acme", "friends")
BEE = Tenant("bee")
TENANTS = Tenants({"token-of-acme-1234": ACME, "token-of-bee-56789": BEE})


def refused(tenants: Tenants, token: str) -> TenantUnknown:
    with pytest.raises(TenantUnknown) as caught:
        tenants.of(token)
    return caught.value


def test_a_token_proves_its_tenant() -> None:
    assert TENANTS.of("token-of-acme-1234") == ACME
    assert TENANTS.of("token-of-bee-56789") == BEE


@pytest.mark.parametrize("token", ["token-of-acme-123", "token-of-acme-12345", "acme", "ü"])
def test_a_token_that_is_close_proves_nothing(token: str) -> None:
    error = refused(TENANTS, token)
    assert error.field == "tenant_token"
    assert token not in error.message + error.limit


def test_without_a_token_a_client_is_refused() -> None:
    assert refused(TENANTS, "").message == "there is no tenant token"


def test_without_a_token_a_client_is_anonymous_where_that_is_allowed() -> None:
    assert Tenants({}, anonymous="public").of("") == Tenant("public")


def test_the_anonymous_tenant_may_be_one_of_the_others_with_its_group() -> None:
    assert Tenants({"token-of-acme-1234": ACME}, anonymous="acme").of("") == ACME


def test_a_wrong_token_is_refused_even_where_none_is_needed() -> None:
    refused(Tenants({}, anonymous="public"), "no-such-token-at-all")


def test_an_empty_token_among_the_tenants_lets_nobody_in() -> None:
    refused(Tenants({"": ACME}), "")


def test_tokens_are_not_kept() -> None:
    kept = repr(vars(TENANTS))
    assert "acme" in kept
    assert "token-of-acme-1234" not in kept
