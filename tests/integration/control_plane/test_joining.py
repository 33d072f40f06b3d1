"""Who may join a real replica, and what others are told."""

import socket
from typing import Any

import grpc
import pytest

from nearfield.core.errors import (
    InvalidRequest,
    JoinTokenInvalid,
    NameTaken,
    NearfieldError,
    ProtocolMismatch,
)
from nearfield.core.protocol import VERSION
from nearfield.core.wire.node import info_to_wire
from protos.nearfield.v1 import types_pb2
from tests.support.plane_builders import TOKEN, hello, report
from tests.support.records import node_info
from tests.support.running_plane import RunningPlane
from tests.support.waiting import until


async def _refusal(plane: RunningPlane, frame: Any) -> NearfieldError:
    link = plane.link()
    await link.send(frame)
    with pytest.raises(NearfieldError) as caught:
        await link.read()
    return caught.value


async def test_a_node_with_the_token_is_welcomed_and_shown(plane: RunningPlane) -> None:
    welcome = await plane.link().join()
    assert welcome.protocol_version == VERSION
    assert welcome.replica_id.startswith("plane-")
    assert welcome.report_interval_seconds == 1.0
    assert (await plane.admin.node("fra1-a")).info == node_info()


@pytest.mark.parametrize("token", ["wrong", "", TOKEN + "x", TOKEN[:-1]])
async def test_a_wrong_or_missing_token_is_unauthenticated(plane: RunningPlane, token: str) -> None:
    error = await _refusal(plane, hello(join_token=token))
    assert isinstance(error, JoinTokenInvalid)
    assert (error.status, error.field) == ("UNAUTHENTICATED", "join_token")
    assert await plane.admin.nodes() == ()


@pytest.mark.parametrize(("version", "word"), [(0, "older"), (99, "newer")])
async def test_another_protocol_is_refused_with_the_versions_that_are_understood(
    plane: RunningPlane, version: int, word: str
) -> None:
    error = await _refusal(plane, hello(protocol_version=version))
    assert isinstance(error, ProtocolMismatch)
    assert error.status == "FAILED_PRECONDITION"
    assert (error.field, error.limit) == ("protocol_version", str(VERSION))
    assert word in error.message


async def test_a_refusal_is_a_real_grpc_status(plane: RunningPlane) -> None:
    link = plane.link()
    await link.send(hello(join_token="wrong"))
    with pytest.raises(JoinTokenInvalid):
        await link.read()
    assert await link.status() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_link_that_does_not_start_with_a_hello_is_refused(plane: RunningPlane) -> None:
    error = await _refusal(plane, report())
    assert isinstance(error, InvalidRequest)
    assert (error.field, error.limit) == ("frame", "hello")


async def test_a_second_node_of_a_live_name_is_refused_and_the_first_goes_on(
    plane: RunningPlane,
) -> None:
    first = plane.link()
    await first.join()
    error = await _refusal(plane, hello(node_info(incarnation="inc-2", endpoint="10.0.0.2:1")))
    assert isinstance(error, NameTaken)
    assert (error.status, error.field) == ("ALREADY_EXISTS", "node.name")
    await first.send(report(reason="still here"))
    view = await until(lambda: _reason(plane), "still here")
    assert view == "still here"


@pytest.mark.parametrize("name", ["", "Fra1", "fra_1", "-fra1", "fra1-", "a" * 64, "fra1\n", "é"])
async def test_a_name_that_cannot_be_a_dns_label_is_refused(plane: RunningPlane, name: str) -> None:
    error = await _refusal(plane, hello(node_info(name)))
    assert isinstance(error, InvalidRequest)
    assert error.field == "node.name"
    assert await plane.admin.nodes() == ()


async def test_a_very_long_name_is_refused_with_a_short_answer(plane: RunningPlane) -> None:
    error = await _refusal(plane, hello(node_info("a" * 1_000_000)))
    assert isinstance(error, InvalidRequest)
    assert len(error.message) < 200


async def test_a_place_that_is_not_on_the_earth_is_refused(plane: RunningPlane) -> None:
    message = info_to_wire(node_info())
    message.position.CopyFrom(types_pb2.Position(latitude=float("nan"), longitude=0))
    error = await _refusal(plane, hello(node=message))
    assert isinstance(error, InvalidRequest)
    assert error.field == "latitude"


async def test_bytes_that_are_no_frame_end_that_link_alone(plane: RunningPlane) -> None:
    await plane.link().join()
    call = plane.channel.stream_stream("/nearfield.v1.Fleet/Link")()
    await call.write(b"\xff" * 64)
    assert await call.code() is not grpc.StatusCode.OK
    assert await plane.healths() == {"fra1-a": "alive"}


async def test_bytes_that_are_no_http_do_not_disturb_the_others(plane: RunningPlane) -> None:
    await plane.link().join()
    host, _, port = plane.public.rpartition(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(b"\x00\xff" * 5000)
    assert await plane.healths() == {"fra1-a": "alive"}
    await plane.link().join(hello(node_info("nrt1-a")))


async def _reason(plane: RunningPlane) -> str:
    return (await plane.admin.node("fra1-a")).reason
