"""How many tokens travel in one piece: pure arithmetic.

A message costs both ends about as much processor time as decoding its token does
(35 µs a side, measured), whether it carries one token or several. A node with little to
do sends each token by itself; one with many streams gathers what comes within a time
that no reader sees.
"""

FEW_STREAMS = 8
"""Up to here each token travels by itself."""
GATHER_SECONDS = 0.05
"""A fast reader takes five times as long for a word."""
TOKENS_MOST = 8


def tokens_per_piece(streams: int, tokens_per_second: float) -> int:
    """Return 1 to 8; `tokens_per_second` is one stream's rate, 0 where it is not known."""
    if streams <= FEW_STREAMS:
        return 1
    return max(1, min(TOKENS_MOST, int(tokens_per_second * GATHER_SECONDS)))
