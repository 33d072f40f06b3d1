"""A small authority for the fleet of one machine, and the certificate that its processes share."""

import datetime
import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = datetime.timedelta(days=3650)
SERVER_LIFE = datetime.timedelta(days=365)
ADDRESSES = ("127.0.0.1", "::1")
_NO_USE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


@dataclass(frozen=True, slots=True)
class LocalTls:
    """PEM files: what clients trust, and what servers show and prove it with."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Signer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def prepare_tls(directory: Path, now: datetime.datetime | None = None) -> LocalTls:
    """Return a certificate for loopback, new each time, in `directory`.

    The authority that is there stays while it is good for another certificate's life, so
    that clients keep trusting; otherwise it is made. Keys are for their owner alone.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    directory.mkdir(parents=True, exist_ok=True)
    files = LocalTls(
        directory / "authority.pem", directory / "server.pem", directory / "server.key"
    )
    secret = directory / "authority.key"
    signer = _find_signer(files.authority, secret, now)
    if signer is None:
        signer = _make_signer(now)
        _write(secret, _key_pem(signer.key), 0o600)
        _write(files.authority, signer.certificate.public_bytes(Encoding.PEM), 0o644)
    key = ec.generate_private_key(ec.SECP256R1())
    _write(files.key, _key_pem(key), 0o600)
    _write(files.certificate, _sign_server(signer, key, now).public_bytes(Encoding.PEM), 0o644)
    return files


def expires(certificate: bytes) -> datetime.datetime:
    """Return when the first certificate of a PEM ends; raises ValueError where it is none."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _find_signer(certificate: Path, key: Path, now: datetime.datetime) -> _Signer | None:
    """None where there is none that is whole and good for a server's life."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        return None
    good = found.not_valid_before_utc <= now <= found.not_valid_after_utc - SERVER_LIFE
    return _Signer(found, secret) if good and found.public_key() == secret.public_key() else None


def _make_signer(now: datetime.datetime) -> _Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Nearfield local authority")
    usage = x509.KeyUsage(**{**_NO_USE, "key_cert_sign": True, "crl_sign": True})
    certificate = (
        _builder(name, name, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Signer(certificate, key)


def _sign_server(
    signer: _Signer, key: ec.EllipticCurvePrivateKey, now: datetime.datetime
) -> x509.Certificate:
    issuer = signer.certificate
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ip_address(one)) for one in ADDRESSES]
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    return (
        _builder(_name("Nearfield on this machine"), issuer.subject, key, now, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{**_NO_USE, "digital_signature": True}), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(authority, critical=False)
        .sign(signer.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
    life: datetime.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, data: bytes, mode: int) -> None:
    """Replace a file whole; its mode is right before it holds anything."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    new.replace(path)
