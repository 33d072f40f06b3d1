"""Who is trusted and who one is: TLS by default, plain text by an explicit word on loopback.

Imports nothing of gRPC: settings are read before the engine forks, and gRPC after it.
"""

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nearfield.core.errors import ConfigError

AUTHORITY_VARIABLE = "NEARFIELD_AUTHORITY"
PLAINTEXT_VARIABLE = "NEARFIELD_PLAINTEXT"
LOOPBACK = "127.0.0.0/8, ::1 or localhost"
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
"""Where Debian's and Red Hat's families keep the authorities that the host trusts."""


@dataclass(frozen=True, slots=True)
class ClientTls:
    """Trusts the authorities in this PEM; None trusts those that the system trusts."""

    authority: bytes | None = None


@dataclass(frozen=True, slots=True)
class Plaintext:
    """Neither encrypted nor authenticated; only on loopback."""


PLAINTEXT = Plaintext()
ClientSecurity = ClientTls | Plaintext


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a certificate and its key lie, both PEM."""

    certificate: Path
    key: Path

    def read(self) -> "ServerTls":
        """Read both; raises ConfigError where they are no pair."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Without a password OpenSSL would ask for it on the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
            return ServerTls(self.certificate.read_bytes(), self.key.read_bytes(), self)
        except ssl.SSLError:
            raise ConfigError(
                f"{self.certificate} and {self.key} are no certificate and its unencrypted key",
                field="tls.certificate",
                limit="PEM",
            ) from None
        except OSError as error:
            raise ConfigError(
                f"cannot read {self.certificate} and {self.key}: {error.strerror}",
                field="tls.certificate",
                limit="readable files",
            ) from None


@dataclass(frozen=True, slots=True)
class ServerTls:
    """A certificate chain and its key, PEM; `files` are read again when they change."""

    certificate: bytes
    key: bytes
    files: CertificateFiles | None = None


ServerSecurity = ServerTls | Plaintext


def client_security(authority: Path | None, *, plaintext: bool = False) -> ClientSecurity:
    """Return what a process that dials others trusts; raises ConfigError.

    `authority` is a PEM file, None the system's authorities.
    """
    if plaintext:
        return PLAINTEXT
    return ClientTls(_read_authority(authority) if authority is not None else None)


def from_environment(environment: Mapping[str, str] = os.environ) -> ClientSecurity:
    """Return what NEARFIELD_AUTHORITY and NEARFIELD_PLAINTEXT say; raises ConfigError."""
    plaintext = environment.get(PLAINTEXT_VARIABLE, "")
    if plaintext not in ("", "0", "1"):
        raise ConfigError(
            f"{PLAINTEXT_VARIABLE} is neither 0 nor 1", field=PLAINTEXT_VARIABLE, limit="0 or 1"
        )
    authority = environment.get(AUTHORITY_VARIABLE, "")
    return client_security(Path(authority) if authority else None, plaintext=plaintext == "1")


def system_authorities() -> bytes | None:
    """Return the PEM of what the system trusts; None where gRPC's own list must do."""
    for name in (ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if name and Path(name).is_file():
            return Path(name).read_bytes()
    return None


def check_plaintext(address: str, field: str) -> None:
    """Raise ConfigError, naming `field`, where `host:port` is not on loopback."""
    if not _is_loopback(address):
        raise ConfigError(
            f"{address} is not on loopback, where alone plain text is spoken; set up TLS",
            field=field,
            limit=LOOPBACK,
        )


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_authority(path: Path) -> bytes:
    try:
        pem = path.read_bytes()
        # Bundles name authorities between the certificates, in letters of any language.
        text = pem.decode("ascii", "ignore")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise ConfigError(
            f"{path} holds no certificate of an authority", field="tls.authority", limit="PEM"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}", field="tls.authority", limit="a readable file"
        ) from None
    return pem
