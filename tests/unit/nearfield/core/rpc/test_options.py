from nearfield.core.rpc.options import CHANNEL_OPTIONS, MESSAGE_BYTES_MOST, SERVER_OPTIONS


def test_no_option_is_given_twice() -> None:
    for options in (CHANNEL_OPTIONS, SERVER_OPTIONS):
        names = [name for name, _ in options]
        assert len(names) == len(set(names))


def test_servers_tolerate_the_pings_that_clients_send() -> None:
    client, server = dict(CHANNEL_OPTIONS), dict(SERVER_OPTIONS)
    assert client["grpc.http2.max_pings_without_data"] == 0
    least = server["grpc.http2.min_ping_interval_without_data_ms"]
    assert least <= client["grpc.keepalive_time_ms"]


def test_both_sides_agree_on_the_largest_message() -> None:
    for options in (dict(CHANNEL_OPTIONS), dict(SERVER_OPTIONS)):
        assert options["grpc.max_receive_message_length"] == MESSAGE_BYTES_MOST
        assert options["grpc.max_send_message_length"] == MESSAGE_BYTES_MOST
