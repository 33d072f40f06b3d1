import io
from pathlib import Path

import pytest

from nearfield.core.policy import DeclaredPrefix
from tests.support.cli import Cli
from tests.support.nearfield_servers import serve_admin

ARGUMENTS = ("prefix", "declare", "brief", "--model", "m", "--tenant", "acme")
BRIEF = DeclaredPrefix("brief", "m", "Be brief.", tenant="acme")


async def test_a_prefix_is_declared_with_all_that_is_said_of_it(cli: Cli) -> None:
    async with serve_admin() as admin:
        done = await cli(
            *("prefix", "declare", "brief", "Be brief.", "--model", "m", "--group", "lab"),
            *("--pop", "fra1", "--pop", "nrt1", "--system", "--admin", admin.address),
        )
        (declared,) = admin.policy.prefixes
    assert declared == DeclaredPrefix(
        "brief", "m", "Be brief.", group="lab", pops=("fra1", "nrt1"), system=True
    )
    assert done.out == "prefix brief is declared (revision 1)\n"


async def test_its_text_may_lie_in_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Sei höflich.\n丁寧に")
    async with serve_admin() as admin:
        await cli(*ARGUMENTS, "--file", str(tmp_path / "text"), "--admin", admin.address)
        assert admin.policy.prefixes[0].text == "Sei höflich.\n丁寧に"


@pytest.mark.parametrize("how", [("-",), ("--file", "-")])
async def test_its_text_may_come_in(
    cli: Cli, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Be brief.")))
    async with serve_admin() as admin:
        await cli(*ARGUMENTS, *how, "--admin", admin.address)
        assert admin.policy.prefixes == (BRIEF,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: give the prefix as an argument or with --file (limit: one of TEXT, --file)"),
        (("a", "--file", "b"), "error: give the prefix as an argument or with --file"),
        (("--file", "/nowhere/at/all"), "error: cannot read /nowhere/at/all"),
        (("--file", "/dev/zero"), "error: a prefix of 262145 characters is not 1 to 65536"),
        (("a", "--group", "lab"), "error: a prefix belongs to a tenant or to a group"),
    ],
)
async def test_a_prefix_that_is_none_is_one_clear_error(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    async with serve_admin() as admin:
        done = await cli(*ARGUMENTS, *arguments, "--admin", admin.address)
        assert admin.policy.prefixes == ()
    assert done.status == 1
    assert done.err.startswith(message)
    assert done.err.count("\n") == 1


async def test_what_is_declared_is_listed(cli: Cli) -> None:
    async with serve_admin() as admin:
        admin.policy = admin.policy.with_prefix(BRIEF)
        text = await cli("prefix", "list", "--admin", admin.address)
        data = await cli("prefix", "list", "--admin", admin.address, "-o", "json")
    line = " ".join(text.out.splitlines()[1].split())
    assert line == "brief m tenant acme everywhere 9 Be brief."
    assert [one["name"] for one in data.json] == ["brief"]
    assert data.json[0]["text"] == "Be brief."


async def test_a_prefix_is_withdrawn(cli: Cli) -> None:
    async with serve_admin() as admin:
        admin.policy = admin.policy.with_prefix(BRIEF)
        admin.durable = False
        done = await cli("prefix", "withdraw", "brief", "--admin", admin.address)
        assert admin.policy.prefixes == ()
        again = await cli("prefix", "withdraw", "brief", "--admin", admin.address, "-o", "json")
    assert done.out.splitlines() == [
        "prefix brief is withdrawn (revision 1)",
        "the directory is away: this holds in memory and is not durable yet",
    ]
    assert (again.status, again.json["error"]["kind"]) == (1, "InvalidRequest")


async def test_what_was_declared_is_told_to_programs(cli: Cli) -> None:
    async with serve_admin() as admin:
        done = await cli(*ARGUMENTS, "Be brief.", "--admin", admin.address, "-o", "json")
    assert done.json == {"name": "brief", "revision": 1, "durable": True}
