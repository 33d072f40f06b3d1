"""What waits to be written on a session: merged, bounded for each stream, in fair order. Pure."""

from dataclasses import dataclass, field

from nearfield.core.errors import NearfieldError, SlowReader
from nearfield.core.inference import Delta, Finished
from nearfield.core.node import NodeLoad
from nearfield.core.session import LOAD_STREAM, Admitted, Reply

UNREAD_TOKENS_MOST = 4096
"""Held for one answer beyond what its reader has room for; more is written by no model in the
time a network takes to come back."""
MESSAGE_WEIGHT_MOST = 8192
"""Tokens and alternatives in one message: gRPC takes 4 MiB, that is 512 bytes for each."""
_REPLY_WEIGHT = 8
"""Of any reply; an error with all it may say is 4 KiB."""


@dataclass(slots=True)
class _Waiting:
    """What one stream has to say; `room` is how many tokens its reader takes now."""

    room: int
    admitted: Admitted | None = None
    deltas: list[Delta] = field(default_factory=list)
    tokens: int = 0
    end: Finished | NearfieldError | None = None

    @property
    def ready(self) -> bool:
        """Whether anything may be written now."""
        return bool(
            self.admitted is not None
            or (self.deltas and self.room > 0)
            or (self.end is not None and (not self.deltas or isinstance(self.end, NearfieldError)))
        )


class Outbox:
    """Takes replies one at a time and gives them out a message at a time.

    A stream is open from `open` until its end was taken or `close` forgets it. What is put
    on a stream that is not open is dropped.
    """

    def __init__(self) -> None:
        self._streams: dict[int, _Waiting] = {}
        self._ready: dict[int, _Waiting] = {}  # in the order in which they became so
        self._load: NodeLoad | None = None
        self._told: NodeLoad | None = None

    def __len__(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    def __contains__(self, stream: int) -> bool:
        return stream in self._streams

    def open(self, stream: int, window: int) -> None:
        """Begin a stream whose reader has room for `window` tokens."""
        self._streams[stream] = _Waiting(window)

    def put(self, stream: int, reply: Reply) -> None:
        """Take a reply; raises SlowReader where too much is unread by then."""
        waiting = self._streams.get(stream)
        if waiting is None:
            return
        if isinstance(reply, Delta):
            waiting.deltas.append(reply)
            waiting.tokens += len(reply.token_ids)
            if waiting.tokens > UNREAD_TOKENS_MOST:
                raise _too_slow()
            if waiting.room <= 0:
                return
        elif isinstance(reply, Admitted):
            waiting.admitted = reply
        else:
            waiting.end = reply
            if waiting.deltas and waiting.room <= 0 and isinstance(reply, Finished):
                return
        self._ready[stream] = waiting

    def tell(self, load: NodeLoad) -> bool:
        """Take the node's load; False where its reader knows of as many requests already."""
        told = self._told
        if told is not None and (load.running, load.waiting) == (told.running, told.waiting):
            self._load = None
            return False
        self._load = load
        return True

    def grant(self, stream: int, tokens: int) -> None:
        """Note that the reader has taken so many tokens more."""
        waiting = self._streams.get(stream)
        if waiting is not None:
            waiting.room += tokens
            if waiting.ready:
                self._ready[stream] = waiting

    def grant_all(self, tokens: int) -> None:
        """Note it for every stream."""
        for stream in self._streams:
            self.grant(stream, tokens)

    def close(self, stream: int) -> None:
        """Forget a stream, and all it has to say."""
        self._streams.pop(stream, None)
        self._ready.pop(stream, None)

    def take(self) -> list[tuple[int, Reply | NodeLoad]]:
        """Return the next message's replies, nothing where none may be written.

        Pieces of one answer come merged. A stream that a full message cut short comes after
        the others the next time.
        """
        replies: list[tuple[int, Reply | NodeLoad]] = []
        weight = 0
        if self._load is not None:
            replies.append((LOAD_STREAM, self._load))
            self._told, self._load = self._load, None
        while self._ready and weight < MESSAGE_WEIGHT_MOST:
            stream = next(iter(self._ready))
            waiting = self._ready.pop(stream)
            weight += self._take_from(stream, waiting, MESSAGE_WEIGHT_MOST - weight, replies)
        return replies

    def _take_from(
        self,
        stream: int,
        waiting: _Waiting,
        most: int,
        replies: list[tuple[int, Reply | NodeLoad]],
    ) -> int:
        """Move what one stream may say now; return its weight."""
        weight = _REPLY_WEIGHT
        if waiting.admitted is not None:
            replies.append((stream, waiting.admitted))
            self._told, waiting.admitted = waiting.admitted.load, None
        if waiting.deltas and waiting.room > 0:
            pieces, moved = _next_pieces(waiting, most)
            replies.append((stream, merge(pieces)))
            weight += moved
        end = waiting.end
        if end is not None and (not waiting.deltas or isinstance(end, NearfieldError)):
            # What an error leaves unread is made again where the answer goes on.
            replies.append((stream, end))
            del self._streams[stream]
            if isinstance(end, Finished):
                self._told = end.load
        elif waiting.deltas and waiting.room > 0:
            self._ready[stream] = waiting
        return weight


def _next_pieces(waiting: _Waiting, most: int) -> tuple[list[Delta], int]:
    """Take pieces off while there is room; the last may pass it, or none of a small window fits."""
    count = weight = 0
    for delta in waiting.deltas:
        if count and (waiting.room <= 0 or weight >= most):
            break
        tokens = len(delta.token_ids)
        waiting.room -= tokens
        waiting.tokens -= tokens
        weight += tokens + _weight_of_alternatives(delta)
        count += 1
    pieces = waiting.deltas[:count]
    del waiting.deltas[:count]
    return pieces, weight


def _weight_of_alternatives(delta: Delta) -> int:
    return sum(len(one.alternatives) for one in delta.logprobs) if delta.logprobs else 0


def merge(pieces: list[Delta]) -> Delta:
    """Return neighbouring pieces of an answer as one."""
    first = pieces[0]
    if len(pieces) == 1:
        return first
    return Delta(
        first.seq,
        tuple([token for piece in pieces for token in piece.token_ids]),
        "".join([piece.text for piece in pieces]),
        tuple([one for piece in pieces for one in piece.logprobs]),
        first.provenance,
        first.timings,
    )


def _too_slow() -> SlowReader:
    return SlowReader(
        f"the reader left more than {UNREAD_TOKENS_MOST} tokens unread beyond its window",
        field="window_tokens",
        limit=f"{UNREAD_TOKENS_MOST} tokens",
    )
