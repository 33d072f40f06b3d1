import re

import pytest

from nearfield.core import protocol
from nearfield.core.errors import ProtocolMismatch


@pytest.mark.parametrize("version", range(protocol.OLDEST, protocol.VERSION + 1))
def test_every_version_still_understood_is_let_in(version: int) -> None:
    protocol.check_version(version)


@pytest.mark.parametrize(
    ("version", "word"), [(protocol.OLDEST - 1, "older"), (protocol.VERSION + 1, "newer")]
)
def test_a_version_outside_is_refused_with_what_is_understood(version: int, word: str) -> None:
    with pytest.raises(ProtocolMismatch, match=f"version {version} is {word}") as caught:
        protocol.check_version(version)
    assert caught.value.field == "protocol_version"
    assert str(protocol.VERSION) in caught.value.limit


def test_the_limit_names_both_ends_of_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "VERSION", 4)
    monkeypatch.setattr(protocol, "OLDEST", 2)
    protocol.check_version(3)
    with pytest.raises(ProtocolMismatch) as caught:
        protocol.check_version(5)
    assert caught.value.limit == "2 to 4"


def test_the_first_version_has_no_tickets_and_is_not_understood_any_more() -> None:
    assert protocol.VERSION == 2
    with pytest.raises(ProtocolMismatch, match="version 1 is older") as caught:
        protocol.check_version(1)
    assert caught.value.limit == "2"


def test_the_history_tells_of_every_version() -> None:
    told = re.findall(r"^(\d+)  \d{4}-\d{2}  ", protocol.__doc__ or "", re.MULTILINE)
    assert [int(version) for version in told] == list(range(1, protocol.VERSION + 1))
