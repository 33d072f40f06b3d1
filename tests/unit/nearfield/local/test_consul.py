import subprocess
import urllib.request
from pathlib import Path

import pytest

from nearfield.core.errors import ConfigError
from nearfield.local import consul, processes
from nearfield.local.ports import HOST, free_ports
from nearfield.local.processes import ProcessId

needs_consul = pytest.mark.skipif(consul.find_binary() is None, reason="no consul binary")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("10.0.0.1:8500", "10.0.0.1:8500"), ("http://10.0.0.1:8500", "10.0.0.1:8500")],
)
def test_the_address_is_what_consuls_own_commands_read(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    monkeypatch.setenv("CONSUL_HTTP_ADDR", value)
    assert consul.address() == expected


def test_without_a_word_it_is_the_usual_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSUL_HTTP_ADDR", raising=False)
    assert consul.address() == "127.0.0.1:8500"


def test_where_nobody_listens_no_consul_answers() -> None:
    assert not consul.answers(f"{HOST}:{free_ports(1)[0]}")


@needs_consul
def test_an_agent_answers_once_it_is_started_and_not_once_it_is_stopped(tmp_path: Path) -> None:
    where = f"{HOST}:{free_ports(1)[0]}"
    agent = start_and_stop(where, tmp_path)
    assert agent.returncode is not None
    assert not consul.answers(where)


def start_and_stop(where: str, folder: Path) -> "subprocess.Popen[bytes]":
    agent = consul.start_agent(where, folder, stay=False)
    try:
        assert consul.answers(where)
        with urllib.request.urlopen(f"http://{where}/v1/agent/self", timeout=5) as reply:
            assert reply.status == 200
    finally:
        processes.stop([ProcessId.of(agent.pid)])
        agent.wait()
    return agent


@needs_consul
def test_an_agent_that_cannot_start_is_refused_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"consul\.log") as caught:
        consul.start_agent("192.0.2.1:8500", tmp_path, stay=False)
    assert caught.value.field == "consul"
    assert (tmp_path / "consul.log").stat().st_size > 0


def test_without_a_binary_the_fix_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consul, "find_binary", lambda: None)
    with pytest.raises(ConfigError, match="make consul") as caught:
        consul.start_agent(f"{HOST}:1", tmp_path, stay=False)
    assert caught.value.field == "consul"
