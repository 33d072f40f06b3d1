import socket
import urllib.request

import pytest

from nearfield.core.errors import ConfigError
from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry

RESOURCE = {"service.name": "nearfield-test"}


def scrape(telemetry: Telemetry) -> str:
    url = f"http://127.0.0.1:{telemetry.prometheus_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_a_recorded_metric_is_served_to_prometheus() -> None:
    with Telemetry(TelemetrySettings(prometheus_port=0), RESOURCE) as telemetry:
        telemetry.meter.create_counter("nearfield.test.requests").add(3, {"pop": "fra1"})
        (line,) = [
            line
            for line in scrape(telemetry).splitlines()
            if line.startswith("nearfield_test_requests")
        ]
    assert 'pop="fra1"' in line
    assert line.endswith(" 3.0")


def test_the_endpoint_says_which_process_it_is() -> None:
    with Telemetry(TelemetrySettings(prometheus_port=0), RESOURCE) as telemetry:
        telemetry.meter.create_counter("nearfield.test.requests").add(1)
        assert 'service_name="nearfield-test"' in scrape(telemetry)


def test_two_processes_worth_of_telemetry_do_not_mix() -> None:
    settings = TelemetrySettings(prometheus_port=0)
    with Telemetry(settings, RESOURCE) as one, Telemetry(settings, RESOURCE) as other:
        one.meter.create_counter("nearfield.test.only.here").add(1)
        assert "nearfield_test_only_here" in scrape(one)
        assert "nearfield_test_only_here" not in scrape(other)


def test_the_endpoint_is_gone_once_closed() -> None:
    with Telemetry(TelemetrySettings(prometheus_port=0), RESOURCE) as telemetry:
        port = telemetry.prometheus_port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_a_port_in_use_is_refused_by_its_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = TelemetrySettings(prometheus_port=taken.getsockname()[1])
        with pytest.raises(ConfigError) as caught:
            Telemetry(settings, RESOURCE)
    assert caught.value.field == "telemetry.prometheus_port"


def test_without_an_exporter_nothing_is_recorded_and_nothing_fails() -> None:
    with Telemetry(TelemetrySettings(), RESOURCE) as telemetry:
        telemetry.meter.create_counter("requests").add(1)
        with telemetry.tracer.start_as_current_span("request") as span:
            assert not span.is_recording()
        assert telemetry.prometheus_port == -1


def test_traces_are_made_where_a_collector_is_named() -> None:
    settings = TelemetrySettings(otlp_endpoint="http://127.0.0.1:1")
    telemetry = Telemetry(settings, RESOURCE)
    assert telemetry.tracer.start_span("request").is_recording()
