"""Nodes as Consul holds them, without Consul."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.directory import catalogue
from control_plane.directory.base import Check, NodeRecord
from nearfield.core.errors import InvalidRequest, LimitExceeded
from nearfield.core.geo import Position
from nearfield.core.node import Hardware, Model, NodeInfo
from tests.support.records import MODEL, node_info, record

words = st.text(max_size=24)
counts = st.integers(0, 2**63)
hosts = st.sampled_from(["10.0.0.1", "node.example.net", "[2001:db8::7]"])
models = st.builds(Model, words, words, counts, words)
infos = st.builds(
    NodeInfo,
    name=st.text(min_size=1, max_size=24),
    incarnation=words,
    endpoint=st.builds("{}:{}".format, hosts, st.integers(0, 65535)),
    pop=words,
    position=st.builds(Position, st.floats(-90, 90), st.floats(-180, 180)),
    jurisdiction=words,
    models=st.lists(models, max_size=12).map(tuple),
    provider=words,
    hardware=st.builds(Hardware, words, counts, counts, words, counts),
    version=words,
    cost_per_hour=st.floats(0, allow_nan=False),
    core=st.booleans(),
    local_models=st.lists(words.filter(lambda name: len(name.encode()) < 32), max_size=6).map(
        tuple
    ),
)
records = st.builds(NodeRecord, infos, st.sampled_from(Check), st.text())


def as_consul_answers(written: NodeRecord) -> dict:
    """Turn what we send into what `health/service` returns for it."""
    steps = json.loads(json.dumps(catalogue.operations(written, None)))
    node, service, check = (step[kind] for step, kind in zip(steps, KINDS, strict=True))
    return {"Node": node["Node"], "Service": service["Service"], "Checks": [check["Check"]]}


KINDS = ("Node", "Service", "Check")


def kinds(steps) -> list[str]:
    return [next(iter(step)) for step in steps]


@given(records)
def test_a_record_survives_the_way_to_consul_and_back(written):
    assert catalogue.parse_record(as_consul_answers(written)) == written


@given(records)
def test_metadata_keeps_to_consuls_limits(written):
    meta = as_consul_answers(written)["Service"]["Meta"]
    assert len(meta) <= 64
    for key, value in meta.items():
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", key)
        assert len(value.encode()) <= 512


def test_a_new_node_takes_a_node_a_service_and_a_check():
    assert kinds(catalogue.operations(record(), None)) == list(KINDS)


def test_a_changed_check_takes_a_check_alone():
    known, new = record(), record(check=Check.CRITICAL, note="silent")
    assert kinds(catalogue.operations(new, known)) == ["Check"]


def test_a_changed_node_is_written_whole():
    assert kinds(catalogue.operations(record(pop="ams1"), record())) == list(KINDS)


@pytest.mark.parametrize(
    ("endpoint", "address", "port"),
    [
        ("10.0.0.1:7001", "10.0.0.1", 7001),
        ("node.example.net:443", "node.example.net", 443),
        ("[2001:db8::7]:7001", "2001:db8::7", 7001),
    ],
)
def test_the_endpoint_gives_address_and_port(endpoint, address, port):
    entry = as_consul_answers(record(endpoint=endpoint))
    assert (entry["Node"]["Address"], entry["Service"]["Port"]) == (address, port)


@pytest.mark.parametrize("endpoint", ["", "host", ":7001", "host:", "host:port", "host:70000"])
def test_an_endpoint_without_host_and_port_is_refused(endpoint):
    with pytest.raises(InvalidRequest) as raised:
        catalogue.operations(record(endpoint=endpoint), None)
    assert raised.value.field == "endpoint"


def test_a_value_beyond_512_bytes_is_refused_by_field_and_node():
    with pytest.raises(LimitExceeded, match="fra1-a") as raised:
        catalogue.operations(record(models=(MODEL, Model("m" * 500, "d", 1, "t"))), None)
    assert raised.value.field == "model-1"


def test_more_models_than_metadata_has_room_for_are_refused():
    catalogue.operations(record(models=(MODEL,) * 53), None)
    with pytest.raises(LimitExceeded) as raised:
        catalogue.operations(record(models=(MODEL,) * 54), None)
    assert raised.value.field == "models"


@pytest.mark.parametrize(
    "damage",
    [
        {"Checks": []},
        {"Checks": [{"CheckID": "nearfield-health-fra1-a", "Status": "odd", "Output": ""}]},
        {"Service": {"Meta": None}},
        {"Service": {"Meta": {"pop": "fra1"}}},
        {"Service": {"Meta": {"position": "{"}}},
        {"Service": {"Meta": {"position": '{"latitude": 95, "longitude": 0}'}}},
    ],
)
def test_a_damaged_entry_is_left_out_and_named(damage, caplog):
    entries = [as_consul_answers(record()) | damage, as_consul_answers(record("b"))]
    read = catalogue.records(json.dumps(entries).encode())
    assert read == {"b": record("b")}
    assert "fra1-a" in caplog.text


def test_an_entry_of_an_earlier_version_reads_with_what_it_lacks_left_out():
    written = record(cost_per_hour=3.5, core=True, local_models=("a", "b"))
    entry = as_consul_answers(written)
    for key in ("cost_per_hour", "core", "local_models"):
        del entry["Service"]["Meta"][key]
    assert catalogue.parse_record(entry) == record()


def test_a_place_off_the_earth_is_damage():
    entry = as_consul_answers(record())
    entry["Service"]["Meta"]["position"] = '{"latitude": 95, "longitude": 0}'
    with pytest.raises(ValueError, match="latitude"):
        catalogue.parse_record(entry)


def test_what_a_later_version_adds_is_passed_over():
    entry = as_consul_answers(record())
    entry["Service"]["Meta"] |= {"colour": "blue", "hardware": '{"fans": 4}'}
    assert catalogue.parse_record(entry).info == node_info(hardware=Hardware())
