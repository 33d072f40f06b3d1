"""The command, with a home of its own and no fleet around it."""

from pathlib import Path

import pytest

from tests.support.cli import Cli


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEARFIELD_HOME", str(tmp_path))
    for name in ("NEARFIELD_CONTROL_PLANE", "NEARFIELD_ADMIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("NEARFIELD_TOKEN", raising=False)
    monkeypatch.delenv("NEARFIELD_AUTHORITY", raising=False)
    monkeypatch.setenv("NEARFIELD_PLAINTEXT", "1")  # the servers beside it speak no TLS
    return tmp_path


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)
