"""Real node agents in processes of their own, with the demo model."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil

from tests.support.consul import ROOT
from tests.support.node_builders import Caller, eventually
from tests.support.waiting import until

START_SECONDS = 120.0
ENGINE = {"slots": 2, "queue": 0}
CACHE = {"memory_bytes": 64 * 1024 * 1024}


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def write_config(folder: Path, name: str, port: int, **changes: Any) -> Path:
    """Write a node's settings; `changes` add to them or replace them, None takes one out."""
    values = {
        "name": name,
        "pop": name.partition("-")[0],
        "position": "50.11,8.68",
        "jurisdiction": "eu",
        "listen": f"127.0.0.1:{port}",
        "engine": ENGINE,
        "kv_cache": CACHE,
        "tls": {"plaintext": True},
        **changes,
    }
    path = folder / f"{name}.toml"
    path.write_text(_toml({key: value for key, value in values.items() if value is not None}))
    return path


def _toml(values: Mapping[str, Any]) -> str:
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lines = [f"{key} = {_value(value)}" for key, value in values.items() if key not in tables]
    for key, table in tables.items():
        lines += [f"[{key}]", _toml(table)]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


class Process:
    """One process under test; its standard error goes to a file."""

    def __init__(self, module: str, arguments: Sequence[str], log: Path) -> None:
        self._log = log
        environment = {key: value for key, value in os.environ.items() if "NEARFIELD" not in key}
        with log.open("wb") as sink:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdout=sink,
                stderr=sink,
                cwd=ROOT,
                env=environment,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        """Return every process below this one."""
        return psutil.Process(self.popen.pid).children(recursive=True)

    async def ended(self) -> int:
        """Wait for its end and return its exit status, negative for a signal."""
        await eventually(lambda: self.popen.poll() is not None, START_SECONDS)
        return int(self.popen.returncode)

    def kill(self) -> None:
        """End it and all below it, whatever state they are in."""
        if self.popen.poll() is None:
            family = self.family()
            self.popen.kill()
            self.popen.wait()
            for one in family:
                if one.is_running():
                    one.kill()


@asynccontextmanager
async def node_process(folder: Path, **changes: Any) -> AsyncIterator[tuple[Process, Caller]]:
    """Run one node until the block ends; ready when the block begins."""
    (port,) = free_ports(1)
    config = write_config(folder, "fra1-a", port, **changes)
    process = Process("node_agent", ["--config", str(config)], folder / "node.log")
    try:
        async with calling(port) as caller:
            await serving(process, caller)
            yield process, caller
    finally:
        process.kill()


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[Caller]:
    """Return a caller of a node on loopback, and close its connection."""
    caller = Caller(f"127.0.0.1:{port}")
    try:
        yield caller
    finally:
        await caller.channel.close()


async def serving(process: Process, caller: Caller) -> None:
    """Return once a node's health service says SERVING; fails with the log if it ends before."""

    async def read() -> bool:
        assert process.popen.poll() is None, process.log
        return await is_serving(caller)

    await until(read, True, START_SECONDS)


async def is_serving(caller: Caller) -> bool:
    """Whether a node can be reached and calls itself SERVING."""
    try:
        return await caller.serving()
    except grpc.aio.AioRpcError:
        return False


def gone(processes: Sequence[psutil.Process]) -> bool:
    """Whether none of them runs any more."""
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def engine_of(process: Process) -> psutil.Process:
    """Return the process that a node's engine runs in."""
    (engine,) = (one for one in process.family() if one.name().startswith("VLLM::Engine"))
    return engine


def kill(process: psutil.Process) -> None:
    """End a process as the kernel would, short of memory."""
    os.kill(process.pid, signal.SIGKILL)
