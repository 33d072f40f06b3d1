"""What a key-value store holds of desired states and of the policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.directory import documents
from nearfield.core.errors import InvalidRequest
from nearfield.core.node import Desired, Intake
from nearfield.core.policy import DeclaredPrefix, FleetPolicy, ModelPolicy

words = st.text(max_size=24)
counts = st.integers(0, 2**63)
desired_states = st.builds(
    Desired, counts, st.sampled_from(Intake), counts, st.text(), words, model=words
)
places = st.lists(words, max_size=3).map(tuple)
model_policies = st.builds(ModelPolicy, words, places, minimum=counts)
prefixes = st.builds(
    DeclaredPrefix,
    words,
    words,
    st.text(min_size=1),
    tenant=st.text(min_size=1, max_size=9),
    pops=places,
    system=st.booleans(),
)
policies = st.builds(
    FleetPolicy,
    counts,
    words,
    counts,
    st.lists(model_policies, max_size=3).map(tuple),
    st.lists(prefixes, max_size=3).map(tuple),
)


def of_size(size: int) -> FleetPolicy:
    """A policy of so many bytes as JSON, made of several prefixes."""
    empty = FleetPolicy(prefixes=tuple(_prefix(index, "x") for index in range(9)))
    left = size - len(documents.json.dumps(documents.asdict(empty)))
    lengths = [65_000] * (left // 65_000) + [left % 65_000]
    lengths += [0] * (9 - len(lengths))
    texts = enumerate("x" * (length + 1) for length in lengths)
    return FleetPolicy(prefixes=tuple(_prefix(index, text) for index, text in texts))


def _prefix(index: int, text: str) -> DeclaredPrefix:
    return DeclaredPrefix(f"prefix-{index}", "m", text, tenant="acme")


@given(desired_states)
def test_desired_state_survives_the_way_there_and_back(desired):
    document = documents.desired_document(desired, "write-1")
    assert documents.parse_desired(document) == (desired, "write-1")


@given(policies)
def test_a_policy_survives_the_way_there_and_back(policy):
    document = documents.policy_document(policy, "write-1")
    assert documents.parse_policy(document) == (policy, "write-1")


def test_a_desired_state_of_an_earlier_version_names_no_model():
    assert documents.parse_desired(b'{"revision": 3}') == (Desired(3), "")


@pytest.mark.parametrize("document", [b"", b"7", b"null", b'{"revision": "many"}'])
def test_damaged_desired_state_is_a_value_error(document):
    with pytest.raises(ValueError, match="Desired"):
        documents.parse_desired(document)


@pytest.mark.parametrize(
    "document",
    [b"", b"7", b'{"models": [{"model": "m", "minimum": 3, "maximum": 2}]}', b'{"prefixes": [1]}'],
)
def test_a_damaged_policy_is_a_value_error(document):
    with pytest.raises(ValueError, match=r"FleetPolicy|maximum"):
        documents.parse_policy(document)


def test_a_policy_fits_to_the_byte_and_one_more_is_refused_with_the_limit():
    fits = documents.policy_document(of_size(documents.POLICY_BYTES_MOST), "write-" + "a" * 64)
    assert len(fits) <= 512 * 1024
    with pytest.raises(InvalidRequest) as raised:
        documents.policy_document(of_size(documents.POLICY_BYTES_MOST + 1), "write-1")
    assert (raised.value.field, raised.value.limit) == ("policy", "524032 bytes")
