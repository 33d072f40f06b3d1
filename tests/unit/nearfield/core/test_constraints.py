import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.constraints import NAMES_MOST, WORTH_SECONDS, Constraints, Preferences
from nearfield.core.errors import InvalidRequest
from nearfield.core.node import Hardware, NodeInfo
from tests.support import nearfield_strategies as some
from tests.support.records import node_info

H200 = Hardware("NVIDIA H200", 1)


def node(**changes: Any) -> NodeInfo:
    """Return an H200 of acme's in the EU, for 2 an hour."""
    fields = {"jurisdiction": "eu", "provider": "acme", "cost_per_hour": 2.0, "hardware": H200}
    return node_info(**{**fields, **changes})


@given(some.infos)
def test_without_constraints_no_node_fails(info: NodeInfo) -> None:
    assert Constraints().failed_by(info) == ""


@given(some.infos)
def test_without_preferences_no_node_counts_as_later(info: NodeInfo) -> None:
    assert Preferences().penalty(info) == 0.0


@pytest.mark.parametrize(
    ("asked", "changes", "failed"),
    [
        ({"jurisdictions": ("us", "eu")}, {}, ""),
        ({"jurisdictions": ("us",)}, {}, "jurisdiction"),
        ({"jurisdictions": ("EU",)}, {}, "jurisdiction"),
        ({"jurisdictions": ("eu",)}, {"jurisdiction": ""}, "jurisdiction"),
        ({"providers": ("cirrus", "acme")}, {}, ""),
        ({"providers": ("cirrus",)}, {}, "provider"),
        ({"providers": ("acme",)}, {"provider": ""}, "provider"),
        ({"cost_per_hour_most": 2.0}, {}, ""),
        ({"cost_per_hour_most": 1.99}, {}, "cost"),
        ({"accelerators": ("cpu", "NVIDIA H200")}, {}, ""),
        ({"accelerators": ("NVIDIA H200",)}, {"hardware": Hardware()}, "accelerator"),
        ({"accelerators": ("cpu",)}, {}, "accelerator"),
    ],
)
def test_a_node_fails_what_it_does_not_meet_or_does_not_state(
    asked: dict[str, Any], changes: dict[str, Any], failed: str
) -> None:
    assert Constraints(**asked).failed_by(node(**changes)) == failed


@given(st.floats(0, 1e9, exclude_min=True))
def test_a_node_that_states_no_cost_fails_every_cap(most: float) -> None:
    assert Constraints(cost_per_hour_most=most).failed_by(node(cost_per_hour=0.0)) == "cost"


def test_of_several_that_a_node_fails_one_is_named() -> None:
    asked = Constraints(("us",), ("cirrus",), 1.0, ("cpu",))
    assert asked.failed_by(node()) == "jurisdiction"
    assert Constraints(("eu",), ("cirrus",), 1.0, ("cpu",)).failed_by(node()) == "provider"


@pytest.mark.parametrize(
    ("wished", "changes", "unmet"),
    [
        ({"providers": ("acme",)}, {}, 0),
        ({"providers": ("cirrus",)}, {}, 1),
        ({"accelerators": ("NVIDIA H200",)}, {}, 0),
        ({"accelerators": ("cpu",)}, {}, 1),
        ({"cost_per_hour_most": 2.0}, {}, 0),
        ({"cost_per_hour_most": 1.0}, {}, 1),
        ({"cost_per_hour_most": 9.0}, {"cost_per_hour": 0.0}, 1),
        ({"providers": ("x",), "accelerators": ("x",), "cost_per_hour_most": 1.0}, {}, 3),
        ({"providers": ("acme",), "accelerators": ("x",), "cost_per_hour_most": 1.0}, {}, 2),
    ],
)
def test_each_unmet_wish_counts_as_its_worth(
    wished: dict[str, Any], changes: dict[str, Any], unmet: int
) -> None:
    assert Preferences(**wished, worth=0.5).penalty(node(**changes)) == unmet * 0.5
    assert Preferences(**wished).penalty(node(**changes)) == pytest.approx(unmet * WORTH_SECONDS)


@pytest.mark.parametrize("kind", [Constraints, Preferences])
@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"providers": ("x",) * 65}, "providers", "at most 64 names"),
        ({"accelerators": ("x",) * 65}, "accelerators", "at most 64 names"),
        ({"providers": ("ok", "")}, "providers", "1 to 64 characters"),
        ({"accelerators": ("x" * 65,)}, "accelerators", "1 to 64 characters"),
        ({"cost_per_hour_most": 0.0}, "cost_per_hour_most", "above 0, and finite"),
        ({"cost_per_hour_most": -1.0}, "cost_per_hour_most", "above 0, and finite"),
        ({"cost_per_hour_most": math.nan}, "cost_per_hour_most", "above 0, and finite"),
        ({"cost_per_hour_most": math.inf}, "cost_per_hour_most", "above 0, and finite"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(
    kind: type[Constraints | Preferences], changes: dict[str, Any], field: str, limit: str
) -> None:
    name = f"{kind.__name__.lower()}.{field}"
    with pytest.raises(InvalidRequest, match=f"^{name} ") as caught:
        kind(**changes)
    assert (caught.value.field, caught.value.limit) == (name, limit)


@pytest.mark.parametrize("names", [("eu",) * 65, ("",), ("x" * 65,)])
def test_jurisdictions_have_the_same_bounds(names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Constraints(jurisdictions=names)
    assert caught.value.field == "constraints.jurisdictions"


def test_each_list_may_be_as_long_as_its_bound() -> None:
    names = ("x" * 64,) * NAMES_MOST
    assert Constraints(names, names, None, names).failed_by(node()) == "jurisdiction"


@pytest.mark.parametrize("worth", [-0.01, 60.01, math.nan, math.inf])
def test_a_wish_is_worth_a_minute_at_most(worth: float) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Preferences(worth=worth)
    assert (caught.value.field, caught.value.limit) == ("preferences.worth_seconds", "0 to 60")


@pytest.mark.parametrize("worth", [0.0, 60.0])
def test_the_bounds_of_a_wishs_worth_are_within(worth: float) -> None:
    assert Preferences(providers=("cirrus",), worth=worth).penalty(node()) == worth
