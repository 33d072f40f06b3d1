import os
import subprocess
import sys
from pathlib import Path

import pytest

from nearfield.cli.main import app
from tests.support.cli import Cli

VERBS = {
    "up",
    "down",
    "quickstart",
    "generate",
    "chat",
    "nodes",
    "node",
    "cordon",
    "drain",
    "resume",
    "clear-cache",
    "doctor",
}
GROUPS = {"models", "prefix", "route", "tickets"}
NOBODY = ("--admin", "127.0.0.1:1")


def test_every_verb_is_there() -> None:
    assert {command.name for command in app.registered_commands} == VERBS
    assert {group.name for group in app.registered_groups} == GROUPS


@pytest.mark.parametrize("verb", sorted(VERBS | GROUPS))
async def test_every_verb_explains_itself(cli: Cli, verb: str) -> None:
    done = await cli(verb, "--help")
    assert done.status == 0
    assert verb in done.out


async def test_an_error_is_one_line_and_status_1(cli: Cli) -> None:
    done = await cli("nodes", *NOBODY)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "flags", [("-o", "json"), ("--output", "json"), ("--output=json",), ("-ojson",)]
)
async def test_an_error_is_json_where_json_is_asked_for(cli: Cli, flags: tuple[str, ...]) -> None:
    done = await cli("nodes", *NOBODY, *flags)
    assert done.status == 1
    assert set(done.json["error"]) == {
        "kind",
        "message",
        "field",
        "limit",
        "outcome",
        "retry_after",
    }
    assert done.json["error"]["kind"] == "Unreachable"
    assert done.err == ""


async def test_a_prompt_about_json_is_not_taken_for_the_flag(cli: Cli) -> None:
    done = await cli("generate", "json", "--target", "127.0.0.1:1")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: ")


async def test_a_verb_that_is_not_there_is_a_usage_error(cli: Cli) -> None:
    assert (await cli("fly")).status == 2


def test_the_installed_command_does_the_same(tmp_path: Path) -> None:
    code = "from nearfield.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "generate", "hi", "--near", "nowhere"],
        env={**os.environ, "NEARFIELD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: 'nowhere' is not a position")
    assert done.stderr.count("\n") == 1
