import datetime
import ssl
import stat
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from nearfield.local.authority import AUTHORITY_LIFE, SERVER_LIFE, expires, prepare_tls

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0, tzinfo=datetime.UTC)


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def verify(authority: Path, server: Path, host: x509.GeneralName, when: datetime.datetime) -> None:
    store = Store([certificate(authority)])
    assert isinstance(host, x509.DNSName | x509.IPAddress)
    verifier = PolicyBuilder().store(store).time(when).build_server_verifier(host)
    verifier.verify(certificate(server), [])


@pytest.mark.parametrize(
    "host",
    [
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
        x509.IPAddress(ip_address("::1")),
    ],
    ids=str,
)
def test_the_certificate_chains_to_the_authority_for_every_name_of_loopback(
    tmp_path: Path, host: x509.GeneralName
) -> None:
    made = prepare_tls(tmp_path, NOW)
    verify(made.authority, made.certificate, host, NOW + SERVER_LIFE - datetime.timedelta(hours=1))


def test_no_other_host_may_show_it_nor_anyone_after_its_life(tmp_path: Path) -> None:
    made = prepare_tls(tmp_path, NOW)
    with pytest.raises(VerificationError):
        verify(made.authority, made.certificate, x509.DNSName("node.example"), NOW)
    late = NOW + SERVER_LIFE + datetime.timedelta(hours=1)
    with pytest.raises(VerificationError):
        verify(made.authority, made.certificate, x509.DNSName("localhost"), late)


def test_another_authority_does_not_vouch_for_it(tmp_path: Path) -> None:
    one, other = prepare_tls(tmp_path / "one", NOW), prepare_tls(tmp_path / "other", NOW)
    with pytest.raises(VerificationError):
        verify(other.authority, one.certificate, x509.DNSName("localhost"), NOW)


def test_the_authority_signs_certificates_and_the_certificate_only_serves(tmp_path: Path) -> None:
    made = prepare_tls(tmp_path, NOW)
    root, leaf = certificate(made.authority).extensions, certificate(made.certificate).extensions
    constraints = root.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    assert root.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert leaf.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert not leaf.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    uses = leaf.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_keys_are_of_the_curve_that_every_tls_speaks(tmp_path: Path) -> None:
    made = prepare_tls(tmp_path, NOW)
    for path in (made.authority, made.certificate):
        key = certificate(path).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)


def test_only_the_owner_reads_keys(tmp_path: Path) -> None:
    prepare_tls(tmp_path, NOW)
    prepare_tls(tmp_path, NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {
        "authority.pem": 0o644,
        "authority.key": 0o600,
        "server.pem": 0o644,
        "server.key": 0o600,
    }


def test_the_certificate_and_its_key_are_a_pair(tmp_path: Path) -> None:
    made = prepare_tls(tmp_path, NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.certificate, made.key)


def test_a_good_authority_is_kept_and_the_certificate_is_new(tmp_path: Path) -> None:
    first = prepare_tls(tmp_path, NOW)
    authority, server = first.authority.read_bytes(), certificate(first.certificate)
    later = NOW + datetime.timedelta(days=30)
    second = prepare_tls(tmp_path, later)
    assert second == first
    assert second.authority.read_bytes() == authority
    renewed = certificate(second.certificate)
    assert renewed.serial_number != server.serial_number
    assert renewed.not_valid_after_utc == later + SERVER_LIFE
    verify(second.authority, second.certificate, x509.DNSName("localhost"), later)


@pytest.mark.parametrize(
    ("file", "content"),
    [("authority.pem", b"text"), ("authority.key", b"text"), ("authority.key", None)],
)
def test_an_authority_that_is_not_whole_is_made_anew(
    tmp_path: Path, file: str, content: bytes | None
) -> None:
    first = prepare_tls(tmp_path, NOW)
    before = first.authority.read_bytes()
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    made = prepare_tls(tmp_path, NOW)
    assert made.authority.read_bytes() != before
    verify(made.authority, made.certificate, x509.DNSName("localhost"), NOW)


def test_an_authority_with_the_key_of_another_is_made_anew(tmp_path: Path) -> None:
    made = prepare_tls(tmp_path / "one", NOW)
    prepare_tls(tmp_path / "other", NOW)
    (tmp_path / "other" / "authority.key").replace(tmp_path / "one" / "authority.key")
    made = prepare_tls(tmp_path / "one", NOW)
    verify(made.authority, made.certificate, x509.DNSName("localhost"), NOW)


def test_an_authority_that_ends_before_its_certificate_would_is_made_anew(tmp_path: Path) -> None:
    prepare_tls(tmp_path, NOW)
    last = NOW + AUTHORITY_LIFE - SERVER_LIFE
    kept = prepare_tls(tmp_path, last).authority.read_bytes()
    made = prepare_tls(tmp_path, last + datetime.timedelta(seconds=1)).authority.read_bytes()
    assert made != kept
    assert expires(kept) == NOW + AUTHORITY_LIFE
    assert expires(made) == last + datetime.timedelta(seconds=1) + AUTHORITY_LIFE
