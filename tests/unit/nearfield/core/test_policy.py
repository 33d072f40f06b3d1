from typing import Any

import pytest

from nearfield.core.errors import InvalidRequest
from nearfield.core.policy import (
    PREFIX_CHARACTERS_MOST,
    PREFIXES_MOST,
    DeclaredPrefix,
    FleetPolicy,
    ModelPolicy,
)


def prefix(name: str = "terms", **changes: Any) -> DeclaredPrefix:
    fields = {"model": "m", "text": "Be brief.", "tenant": "acme", **changes}
    return DeclaredPrefix(name, **fields)


@pytest.mark.parametrize(("minimum", "maximum"), [(1, 0), (0, 0), (2, 2), (0, 3)])
def test_a_maximum_is_none_or_as_many_as_the_minimum(minimum: int, maximum: int) -> None:
    assert ModelPolicy("m", (), minimum, maximum).maximum == maximum


def test_a_maximum_below_the_minimum_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="maximum 2 is below minimum 3") as caught:
        ModelPolicy("m", (), 3, 2)
    assert (caught.value.field, caught.value.limit) == ("policy.maximum", "0 or at least 3")


@pytest.mark.parametrize("length", [0, PREFIX_CHARACTERS_MOST + 1])
def test_a_prefix_of_no_text_or_too_much_is_refused(length: int) -> None:
    with pytest.raises(InvalidRequest, match=f"a prefix of {length} characters") as caught:
        prefix(text="x" * length)
    assert (caught.value.field, caught.value.limit) == ("prefix.text", "1 to 65536 characters")


@pytest.mark.parametrize("length", [1, PREFIX_CHARACTERS_MOST])
def test_the_bounds_of_a_prefixs_text_are_within(length: int) -> None:
    assert len(prefix(text="x" * length).text) == length


@pytest.mark.parametrize("owner", [{"tenant": ""}, {"tenant": "acme", "group": "lab"}])
def test_a_prefix_belongs_to_either_a_tenant_or_a_group(owner: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        prefix(**owner)
    assert (caught.value.field, caught.value.limit) == ("prefix.tenant", "one of tenant, group")


def test_a_model_without_a_policy_has_none() -> None:
    assert FleetPolicy().model("m") is None


def test_a_models_policy_replaces_that_models_alone() -> None:
    before = FleetPolicy(7, "d").with_model(ModelPolicy("a")).with_model(ModelPolicy("b"))
    after = before.with_model(ModelPolicy("a", minimum=4))
    assert after.model("a") == ModelPolicy("a", minimum=4)
    assert after.model("b") == ModelPolicy("b")
    assert (len(after.models), after.revision, after.directory_id) == (2, 7, "d")
    assert before.model("a") == ModelPolicy("a")


def test_a_prefix_of_the_same_name_is_replaced() -> None:
    policy = FleetPolicy().with_prefix(prefix("a")).with_prefix(prefix("b"))
    policy = policy.with_prefix(prefix("a", text="Be kind."))
    assert [(one.name, one.text) for one in policy.prefixes] == [
        ("b", "Be brief."),
        ("a", "Be kind."),
    ]


def test_one_prefix_too_many_is_refused_and_a_replacement_is_not() -> None:
    full = FleetPolicy(prefixes=tuple(prefix(f"p{count}") for count in range(PREFIXES_MOST)))
    with pytest.raises(InvalidRequest, match="64 prefixes are declared") as caught:
        full.with_prefix(prefix("new"))
    assert (caught.value.field, caught.value.limit) == ("prefixes", "at most 64")
    assert len(full.with_prefix(prefix("p0", text="new")).prefixes) == PREFIXES_MOST


def test_a_withdrawn_prefix_is_gone() -> None:
    policy = FleetPolicy().with_prefix(prefix("a")).with_prefix(prefix("b"))
    assert [one.name for one in policy.without_prefix("a").prefixes] == ["b"]


def test_a_prefix_that_is_not_there_is_refused_with_those_that_are() -> None:
    policy = FleetPolicy().with_prefix(prefix("a")).with_prefix(prefix("b"))
    with pytest.raises(InvalidRequest, match=r"no prefix is named 'c+'") as caught:
        policy.without_prefix("c" * 10_000)
    assert (caught.value.field, caught.value.limit) == ("name", "a, b")
    assert len(caught.value.message) < 200


def test_revoking_starts_the_next_epoch_and_changes_nothing_else() -> None:
    policy = FleetPolicy(3, "d", 4).with_model(ModelPolicy("m")).with_prefix(prefix())
    assert policy.revoked() == FleetPolicy(3, "d", 5, policy.models, policy.prefixes)
