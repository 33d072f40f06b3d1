import json
from pathlib import Path

import pytest

from bench.scenarios.policy.command import PolicyOptions, run_policy
from bench.scenarios.policy.runs import POLICIES, Load
from nearfield.core.errors import InvalidRequest


def test_a_trace_of_ones_own_leaves_summary_samples_and_a_page(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    rows = [f"{n},{city},500,20" for n, city in enumerate(["London", "Tokyo", "Lagos"] * 50)]
    trace.write_text("at,city,prompt_tokens,answer_tokens\n" + "\n".join(rows))
    out = tmp_path / "out"
    run_policy(PolicyOptions(trace=trace, nodes=20, load=Load(requests=150), out=out))
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["settings"]["trace"]) >= set(POLICIES)
    assert (out / "samples.jsonl.gz").exists()
    assert "<svg" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (PolicyOptions(workloads=("poems",)), "workload"),
        (PolicyOptions(trace=Path("a.csv"), workloads=("chat",)), "workload"),
        (PolicyOptions(load=Load(requests=1)), "requests"),
        (PolicyOptions(nodes=0), "nodes"),
        (PolicyOptions(nodes=10, workloads=("chat",), load=Load(load=0.0)), "load"),
    ],
)
def test_what_cannot_be_run_names_the_field(options: PolicyOptions, field: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        run_policy(options)
    assert raised.value.field == field
