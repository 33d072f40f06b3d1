import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nearfield.core.errors import ConfigError, NearfieldError, Unreachable
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import (
    LOOPBACK,
    PLAINTEXT,
    CertificateFiles,
    ClientSecurity,
    ClientTls,
    ServerTls,
    client_security,
    from_environment,
)
from nearfield.local.authority import SERVER_LIFE, LocalTls, prepare_tls

PATIENCE = 20.0


def files_of(tls: LocalTls) -> CertificateFiles:
    return CertificateFiles(tls.certificate, tls.key)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> LocalTls:
    return prepare_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def server(tls: LocalTls) -> AsyncIterator[RpcServer]:
    async with RpcServer("127.0.0.1:0", (), files_of(tls).read()) as started:
        yield started


async def ask(address: str, security: ClientSecurity, means: str = "") -> int:
    """Return what the health service says; raises the typed error."""
    async with open_channel(address, security, means=means) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        try:
            reply = await check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        return int(reply.status)


async def failure(address: str, security: ClientSecurity, means: str = "") -> NearfieldError:
    with pytest.raises(NearfieldError) as caught:
        await ask(address, security, means)
    return caught.value


SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_client_that_trusts_the_authority_is_answered(
    server: RpcServer, tls: LocalTls, host: str
) -> None:
    trust = client_security(tls.authority)
    assert await ask(f"{host}:{server.port}", trust) == SERVING


async def test_a_client_that_trusts_another_authority_does_not_reach_the_server(
    server: RpcServer, tmp_path: Path
) -> None:
    stranger = client_security(prepare_tls(tmp_path).authority)
    error = await failure(f"127.0.0.1:{server.port}", stranger)
    assert type(error) is Unreachable
    assert "CERTIFICATE_VERIFY_FAILED" in error.message


async def test_a_client_that_trusts_the_system_does_not_reach_a_local_fleet(
    server: RpcServer,
) -> None:
    error = await failure(f"127.0.0.1:{server.port}", ClientTls())
    assert type(error) is Unreachable
    assert "CERTIFICATE_VERIFY_FAILED" in error.message


async def test_the_systems_authorities_are_those_of_its_own_file(
    server: RpcServer, tls: LocalTls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.authority))
    assert await ask(f"127.0.0.1:{server.port}", ClientTls()) == SERVING


async def test_plain_text_to_a_port_with_tls_does_not_reach_the_server(server: RpcServer) -> None:
    assert type(await failure(f"127.0.0.1:{server.port}", PLAINTEXT)) is Unreachable


async def test_tls_to_a_port_of_plain_text_does_not_reach_the_server(tls: LocalTls) -> None:
    async with RpcServer("127.0.0.1:0", (), PLAINTEXT) as plain:
        error = await failure(f"127.0.0.1:{plain.port}", client_security(tls.authority))
    assert type(error) is Unreachable


async def test_behind_a_relay_the_certificate_must_name_the_endpoint(
    server: RpcServer, tls: LocalTls
) -> None:
    relay, trust = f"127.0.0.1:{server.port}", client_security(tls.authority)
    assert await ask(relay, trust, means="localhost:7600") == SERVING
    assert type(await failure(relay, trust, means="node.example:7600")) is Unreachable


async def test_a_certificate_that_has_expired_does_not_reach(tmp_path: Path) -> None:
    long_ago = datetime.datetime.now(datetime.UTC) - 2 * SERVER_LIFE
    old = prepare_tls(tmp_path, long_ago)
    async with RpcServer("127.0.0.1:0", (), files_of(old).read()) as server:
        error = await failure(f"127.0.0.1:{server.port}", client_security(old.authority))
    assert type(error) is Unreachable
    assert "expired" in error.message


async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    first = prepare_tls(tmp_path)
    async with RpcServer("127.0.0.1:0", (), files_of(first).read()) as server:
        before = await shown(server)
        prepare_tls(tmp_path)
        after = await shown(server)
        assert await ask(f"127.0.0.1:{server.port}", client_security(first.authority)) == SERVING
    assert after != before
    assert after == first.certificate.read_text().strip()


async def test_a_renewal_that_is_no_pair_leaves_the_old_certificate_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tls = prepare_tls(tmp_path)
    async with RpcServer("127.0.0.1:0", (), files_of(tls).read()) as server:
        before = await shown(server)
        tls.key.write_text("half a key")
        assert [await shown(server), await shown(server)] == [before] * 2
        assert len(caplog.messages) == 1
        tls.key.unlink()
        assert [await shown(server), await shown(server)] == [before] * 2
        assert len(caplog.messages) == 2
        assert all("the old certificate is kept" in one for one in caplog.messages)
        prepare_tls(tmp_path)
        assert await shown(server) != before


async def test_a_certificate_without_files_is_served_as_it_is(tls: LocalTls) -> None:
    pair = ServerTls(tls.certificate.read_bytes(), tls.key.read_bytes())
    async with RpcServer("127.0.0.1:0", (), pair) as server:
        trust = client_security(tls.authority)
        assert await ask(f"127.0.0.1:{server.port}", trust) == SERVING


async def shown(server: RpcServer) -> str:
    """Return the certificate that a new connection sees."""
    address = ("127.0.0.1", server.port)
    return (await asyncio.to_thread(ssl.get_server_certificate, address)).strip()


OUTSIDE = ["10.0.0.1:7600", "0.0.0.0:7600", "[::]:7600", ":7600", "node.example:7600", "localhost"]


@pytest.mark.parametrize("address", OUTSIDE)
async def test_plain_text_is_not_served_off_loopback(address: str) -> None:
    with pytest.raises(ConfigError, match="not on loopback") as caught:
        await RpcServer(address, (), PLAINTEXT).start()
    assert (caught.value.field, caught.value.limit) == ("listen", LOOPBACK)


@pytest.mark.parametrize("address", OUTSIDE)
async def test_plain_text_is_not_dialled_off_loopback(address: str) -> None:
    with pytest.raises(ConfigError, match="not on loopback") as caught:
        open_channel(address, PLAINTEXT)
    assert (caught.value.field, caught.value.limit) == ("plaintext", LOOPBACK)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost"])
async def test_plain_text_is_spoken_on_loopback(host: str) -> None:
    async with RpcServer(f"{host}:0", (), PLAINTEXT) as server:
        assert await ask(f"{host}:{server.port}", PLAINTEXT) == SERVING


async def test_plain_text_may_be_dialled_on_loopback_of_ipv6() -> None:
    await open_channel("[::1]:7600", PLAINTEXT).close()


def test_an_authority_that_is_not_there_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere\.pem") as caught:
        client_security(tmp_path / "nowhere.pem")
    assert (caught.value.field, caught.value.limit) == ("tls.authority", "a readable file")


BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xfe\x00", BROKEN])
def test_an_authority_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "authority.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"authority\.pem holds no certificate") as caught:
        client_security(path)
    assert (caught.value.field, caught.value.limit) == ("tls.authority", "PEM")


def test_a_bundle_may_name_its_authorities_in_any_letters(tls: LocalTls, tmp_path: Path) -> None:
    path = tmp_path / "bundle.pem"
    path.write_bytes("# Örtliche Stelle\n".encode() + tls.authority.read_bytes())
    assert client_security(path) == ClientTls(path.read_bytes())


def test_a_key_is_no_authority(tls: LocalTls) -> None:
    with pytest.raises(ConfigError, match="holds no certificate"):
        client_security(tls.key)


def test_a_certificate_with_the_key_of_another_is_refused(tls: LocalTls, tmp_path: Path) -> None:
    other = prepare_tls(tmp_path)
    with pytest.raises(ConfigError, match="no certificate and its unencrypted key") as caught:
        CertificateFiles(tls.certificate, other.key).read()
    assert (caught.value.field, caught.value.limit) == ("tls.certificate", "PEM")


def test_a_certificate_that_is_not_there_is_refused(tls: LocalTls, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read") as caught:
        CertificateFiles(tmp_path / "nowhere.pem", tls.key).read()
    assert (caught.value.field, caught.value.limit) == ("tls.certificate", "readable files")


def test_the_environment_names_the_authority(tls: LocalTls) -> None:
    found = from_environment({"NEARFIELD_AUTHORITY": str(tls.authority)})
    assert found == ClientTls(tls.authority.read_bytes())


def test_without_a_word_the_systems_authorities_are_trusted() -> None:
    assert from_environment({}) == from_environment({"NEARFIELD_PLAINTEXT": "0"}) == ClientTls()


def test_plain_text_is_an_explicit_word(tls: LocalTls) -> None:
    named = {"NEARFIELD_AUTHORITY": str(tls.authority)}
    assert from_environment({"NEARFIELD_PLAINTEXT": "1", **named}) == PLAINTEXT
    with pytest.raises(ConfigError) as caught:
        from_environment({"NEARFIELD_PLAINTEXT": "yes"})
    assert (caught.value.field, caught.value.limit) == ("NEARFIELD_PLAINTEXT", "0 or 1")
