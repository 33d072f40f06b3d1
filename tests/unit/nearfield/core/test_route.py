import dataclasses

import pytest

from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.prefix import PrefixKeys
from nearfield.core.route import RouteQuery, Tier
from tests.support.nearfield_builders import candidate, lease


def test_a_bare_query_asks_for_the_only_model_from_nowhere() -> None:
    query = RouteQuery("")
    assert (query.origin, query.constraints, query.preferences) == (
        None,
        Constraints(),
        Preferences(),
    )
    assert (query.round_trips, query.excluded_nodes, query.outcomes) == ({}, frozenset(), ())
    assert (query.prefix, query.prompt_size, query.early) == (None, 0, False)


def test_two_queries_do_not_share_their_round_trips() -> None:
    assert RouteQuery("a").round_trips is not RouteQuery("a").round_trips


def test_a_query_and_a_lease_do_not_show_what_proves_a_right() -> None:
    query = RouteQuery("m", token="acme.s3cr3t", prefix=PrefixKeys("id", (1,)))
    held = dataclasses.replace(lease(candidate()), ticket="eyJ0")
    assert "s3cr3t" not in repr(query)
    assert "eyJ0" not in repr(held)


def test_a_lease_keeps_the_order_of_its_candidates() -> None:
    near, far = candidate("near"), candidate("far")
    assert [one.node for one in lease(near, far).candidates] == ["near", "far"]


def test_a_candidate_is_of_the_nearest_pop_and_knows_of_no_prefix_unless_told() -> None:
    one = candidate()
    assert (one.weight, one.tier, one.prefix_hints) == (1.0, Tier.POP, {})


def test_a_lease_cannot_be_changed_under_way() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        lease().ttl = 1.0
