import json
import os
from pathlib import Path

import pytest

from bench.sample import read_samples
from bench.scenarios.ttft.command import TtftOptions, run_ttft
from bench.scenarios.ttft.load import LoadOptions
from bench.scenarios.ttft.run import Aim
from bench.statistics import Slo
from nearfield.core.errors import InternalError, Overloaded, Unreachable
from nearfield.local.ports import free_ports
from tests.support.nearfield_builders import finished, first_delta
from tests.support.nearfield_servers import serve_node, serve_plane

LOAD = LoadOptions(rate=40.0, duration=0.5)


def options(target: str, out: Path, slo: float = 10.0) -> TtftOptions:
    return TtftOptions(Aim(target), LOAD, Slo(slo, slo), out)


@pytest.mark.parametrize(("slo", "holds"), [(10.0, True), (1e-9, False)])
async def test_a_run_leaves_samples_summary_and_page_whether_or_not_figures_hold(
    tmp_path: Path, slo: float, holds: bool
) -> None:
    out = tmp_path / "new" / "ttft"
    async with (
        serve_node(first_delta(), finished()) as node,
        serve_plane(node.candidate()) as plane,
    ):
        found = await run_ttft(options(plane.address, out, slo))
    assert len(read_samples(out / "samples.jsonl")) == len(node.requests) > 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert [figure["name"] for figure in summary["figures"]] == [one.name for one in found]
    p99 = next(figure for figure in summary["figures"] if figure["name"] == "TTFT p99")
    assert p99["holds"] is holds
    assert summary["settings"]["rate"] == "40.0"
    assert "Time to first token" in (out / "report.html").read_text(encoding="utf-8")


async def test_a_target_that_does_not_answer_is_named(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with pytest.raises(Unreachable, match=f"no control plane answers at 127.0.0.1:{port}"):
        await run_ttft(options(f"127.0.0.1:{port}", tmp_path))
    assert os.listdir(tmp_path) == []


async def test_a_run_without_answers_keeps_its_samples_and_is_no_measurement(
    tmp_path: Path,
) -> None:
    async with (
        serve_node(Overloaded("full")) as node,
        serve_plane(node.candidate()) as plane,
    ):
        with pytest.raises(InternalError, match="none of 22 requests had a first token: "):
            await run_ttft(options(plane.address, tmp_path))
    assert os.listdir(tmp_path) == ["samples.jsonl"]
