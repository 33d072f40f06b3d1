from nearfield.core.route import RouteQuery
from tests.support.nearfield_builders import candidate, lease


def test_a_bare_query_asks_for_the_only_model_from_nowhere() -> None:
    query = RouteQuery("")
    assert (query.origin, query.jurisdictions) == (None, ())
    assert (query.round_trips, query.excluded_nodes) == ({}, frozenset())


def test_two_queries_do_not_share_their_round_trips() -> None:
    assert RouteQuery("a").round_trips is not RouteQuery("a").round_trips


def test_a_lease_keeps_the_order_of_its_candidates() -> None:
    near, far = candidate("near"), candidate("far")
    assert [one.node for one in lease(near, far).candidates] == ["near", "far"]
