import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.errors import InvalidRequest
from nearfield.core.policy import DeclaredPrefix, ModelPolicy
from nearfield.core.wire import policy as wire
from protos.nearfield.v1 import admin_pb2, types_pb2

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
places = st.lists(labels, max_size=4, unique=True).map(tuple)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
owners = st.sampled_from([{"tenant": "acme"}, {"group": "lab-7"}])
model_policies = st.builds(ModelPolicy, names, places, st.integers(0, 9), st.integers(9, 12))
prefixes = st.builds(
    lambda owner, **fields: DeclaredPrefix(**owner, **fields),
    owners,
    name=labels,
    model=names,
    text=names,
    pops=places,
    system=st.booleans(),
)


@given(model_policies)
def test_a_models_policy_arrives_as_it_was_sent(value: ModelPolicy) -> None:
    raw = wire.model_policy_to_wire(value).SerializeToString()
    assert wire.model_policy_from_wire(admin_pb2.ModelPolicy.FromString(raw)) == value


@given(prefixes)
def test_a_declared_prefix_arrives_as_it_was_sent(value: DeclaredPrefix) -> None:
    raw = wire.prefix_to_wire(value).SerializeToString()
    assert wire.prefix_from_wire(types_pb2.DeclaredPrefix.FromString(raw)) == value


def test_a_pop_named_twice_counts_once() -> None:
    message = admin_pb2.ModelPolicy(model="m", pops=["fra1", "nrt1", "fra1"])
    assert wire.model_policy_from_wire(message).pops == ("fra1", "nrt1")


@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"model": ""}, "policy.model", "1 to 256 characters"),
        ({"model": "m" * 257}, "policy.model", "1 to 256 characters"),
        ({"pops": ["Frankfurt am Main"]}, "policy.pops", "1 to 63 of a-z, 0-9 and inner -"),
        ({"pops": [f"p{index}" for index in range(257)]}, "policy.pops", "at most 256"),
        ({"minimum": 100_001}, "policy.minimum", "at most 100000"),
        ({"maximum": 100_001}, "policy.maximum", "at most 100000"),
        ({"minimum": 3, "maximum": 2}, "policy.maximum", "0 or at least 3"),
    ],
)
def test_a_models_policy_out_of_bounds_is_refused(
    changes: dict[str, object], field: str, limit: str
) -> None:
    message = admin_pb2.ModelPolicy(**{"model": "m", **changes})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as caught:
        wire.model_policy_from_wire(message)
    assert (caught.value.field, caught.value.limit) == (field, limit)


@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"name": ""}, "prefix.name", "1 to 63 of a-z, 0-9 and inner -"),
        ({"name": "a b"}, "prefix.name", "1 to 63 of a-z, 0-9 and inner -"),
        ({"model": ""}, "prefix.model", "1 to 256 characters"),
        ({"text": ""}, "prefix.text", "1 to 65536 characters"),
        ({"text": "x" * 65_537}, "prefix.text", "1 to 65536 characters"),
        ({"tenant": ""}, "prefix.tenant", "one of tenant, group"),
        ({"group": "lab"}, "prefix.tenant", "one of tenant, group"),
        ({"tenant": "Acme Inc."}, "prefix.tenant", "1 to 63 of a-z, 0-9 and -"),
        ({"tenant": "", "group": "x" * 64}, "prefix.group", "1 to 63 of a-z, 0-9 and -"),
        ({"pops": [f"p{index}" for index in range(257)]}, "prefix.pops", "at most 256"),
    ],
)
def test_a_prefix_out_of_bounds_is_refused(
    changes: dict[str, object], field: str, limit: str
) -> None:
    fields = {"name": "p", "model": "m", "text": "Be brief.", "tenant": "acme", **changes}
    with pytest.raises(InvalidRequest) as caught:
        wire.prefix_from_wire(types_pb2.DeclaredPrefix(**fields))  # type: ignore[arg-type]
    assert (caught.value.field, caught.value.limit) == (field, limit)
