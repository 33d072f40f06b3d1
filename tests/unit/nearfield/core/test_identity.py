import re

from nearfield.core.identity import new_id


def test_an_identifier_says_its_kind_and_carries_64_bits() -> None:
    assert re.fullmatch(r"req-[0-9a-f]{16}", new_id("req"))


def test_identifiers_do_not_repeat() -> None:
    assert len({new_id("req") for _ in range(5000)}) == 5000
