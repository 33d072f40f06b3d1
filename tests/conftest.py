"""What every test shares."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # vLLM leaves its own to the collector.
    config.addinivalue_line("filterwarnings", "ignore:Unclosed context <zmq:ResourceWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that fork an engine first: it must happen before gRPC is used in here."""
    items.sort(key=_forks_no_engine)


def _forks_no_engine(item: pytest.Item) -> bool:
    return item.get_closest_marker("engine") is None or "contract" not in item.path.parts
