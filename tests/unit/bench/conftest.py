"""Servers beside a bench in one process speak no TLS; whole fleets do."""

import pytest


@pytest.fixture(autouse=True)
def plaintext(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_PLAINTEXT", "1")
