import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bench.scenarios.fleet import Served, node_settings, write_settings
from bench.scenarios.overhead.systems import server_flags
from nearfield.core.node import Hardware
from node_agent.kv_cache.budget import plan
from node_agent.settings import NodeSettings
from tests.support.vllm_import import import_vllm, vllm_warnings_ignored

HARDWARE = {
    "cpu": Hardware("cpu", 0, 16 * 1024**3, "a processor", 8),
    "gpu": Hardware("NVIDIA H200", 1, 150 * 1024**3, "a processor", 64),
}
OF_THE_FRONT = {"served_model_name", "enable_lora", "mm_device_do_normalize", "use_tqdm_on_load"}
"""What names or shows; and what the command line fills in where the library leaves it open."""


def of_server(served: Served, hardware: Hardware) -> Any:
    from vllm import AsyncEngineArgs
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = AsyncEngineArgs.add_cli_args(FlexibleArgumentParser())
    flags = server_flags(served, on_cpu=hardware.accelerators == 0)
    known, _ = parser.parse_known_args(flags)
    return AsyncEngineArgs.from_cli_args(known)


def of_node(served: Served, hardware: Hardware, folder: Path) -> Any:
    from node_agent.engine.vllm.config import engine_args

    values = node_settings(served, "127.0.0.1:1")
    settings = NodeSettings.load(write_settings(folder / "node.toml", values))
    return engine_args(
        settings.model,
        settings.engine,
        plan(settings.kv_cache, hardware),
        kv_events=None,
        on_cpu=hardware.accelerators == 0,
        otlp_endpoint="",
    )


@pytest.mark.parametrize("hardware", HARDWARE.values(), ids=list(HARDWARE))
@pytest.mark.parametrize("random_weights", [False, True])
def test_the_openai_server_runs_the_engine_that_the_node_runs(
    random_weights: bool, hardware: Hardware, tmp_path: Path
) -> None:
    import_vllm()
    served = Served("/models/a", random_weights=random_weights, slots=48, context_tokens=512)
    with vllm_warnings_ignored():
        server, node = of_server(served, hardware), of_node(served, hardware, tmp_path)
    different = {
        field.name: (getattr(server, field.name), getattr(node, field.name))
        for field in dataclasses.fields(node)
        if (getattr(server, field.name) or None) != (getattr(node, field.name) or None)
    }
    assert set(different) <= OF_THE_FRONT, different
    assert (node.max_num_seqs, node.max_model_len, node.enforce_eager) == (48, 512, True)
