from pathlib import Path

import pytest

from bench.scenarios.policy.command import policy
from nearfield.core.errors import InvalidRequest


@pytest.mark.parametrize("more", [{"trace": Path("a.csv")}, {"workload": ["chat"]}])
def test_real_nodes_have_a_demand_of_their_own(more: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as raised:
        policy(real=True, out=tmp_path / "out", **more)
    assert (raised.value.field, raised.value.limit) == ("real", "alone")
    assert not (tmp_path / "out").exists()
