"""Channel and server options, each with its reason."""

MESSAGE_BYTES_MOST = 4 * 1024 * 1024
"""The largest message either side takes: ten times the longest prompt of a 128k-token model."""

_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Pings go on while a stream waits for nothing; by default they stop after two
    # and a silent cut is never seen.
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_permit_without_calls", 1),
)
_SIZES = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MOST),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MOST),
)

CHANNEL_OPTIONS = (
    *_KEEPALIVE,
    *_SIZES,
    ("grpc.enable_retries", 0),  # retrying is routing's business
    # Channels to one address in one process would otherwise share a connection,
    # and a broken one with it.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
)

SERVER_OPTIONS = (
    *_KEEPALIVE,
    *_SIZES,
    # A server answers pings more often than every 5 minutes with GOAWAY by default.
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    # A port that another process holds is an error, not a share of its traffic.
    ("grpc.so_reuseport", 0),
)
