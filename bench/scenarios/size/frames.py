"""Frames of a relay's stream around frames that are serialised already."""

from collections.abc import Iterable

_FRAMES_TAG, _LINK_TAG, _FRAME_TAG = b"\x0a", b"\x08", b"\x12"
"""RelayedNodeFrames.frames, RelayedNodeFrame.link and .frame."""
GRPC_AND_HTTP2_BYTES = 5 + 9
"""Around each message: gRPC's prefix and the header of HTTP/2's DATA frame."""


def relayed(link: int, frame: bytes) -> bytes:
    """Return RelayedNodeFrames of one frame; joined, such are RelayedNodeFrames of many."""
    body = b"".join((_LINK_TAG, _varint(link), _FRAME_TAG, _varint(len(frame)), frame))
    return b"".join((_FRAMES_TAG, _varint(len(body)), body))


def size_on_the_wire(messages: Iterable[bytes]) -> int:
    """Return the bytes of messages below TLS, which adds some 22 a record."""
    return sum(len(message) + GRPC_AND_HTTP2_BYTES for message in messages)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)
