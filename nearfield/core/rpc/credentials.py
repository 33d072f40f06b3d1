"""A server's certificate as gRPC takes it; a renewed one is served without a restart."""

import logging
from pathlib import Path

import grpc

from nearfield.core.errors import ConfigError
from nearfield.core.rpc.tls import CertificateFiles, ServerTls

_log = logging.getLogger(__name__)


def server_credentials(tls: ServerTls) -> grpc.ServerCredentials:
    """Return credentials that follow the certificate's files, where it came from files."""
    if tls.files is None:
        return grpc.ssl_server_credentials([(tls.key, tls.certificate)])
    renewal = Renewal(tls.files)
    # gRPC's own documentation lets the function return None; its types do not.
    return grpc.dynamic_ssl_server_credentials(_configuration(tls), renewal.look)  # type: ignore[arg-type]


class Renewal:
    """Notices that a certificate's files have changed."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._seen: tuple[int, ...] = ()

    def look(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the new certificate, None where nothing changed; called at every handshake.

        A pair that is half written is left alone, with one warning, until it changes again.
        """
        stamp = _stamp(self._files)
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            return _configuration(self._files.read())
        except ConfigError as error:
            _log.warning("the old certificate is kept: %s", error.message)
            return None


def _configuration(tls: ServerTls) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(tls.key, tls.certificate)])


def _stamp(files: CertificateFiles) -> tuple[int, ...]:
    def one(path: Path) -> tuple[int, int]:
        try:
            found = path.stat()
        except OSError:  # a renewal may remove before it writes
            return 0, 0
        return found.st_mtime_ns, found.st_ino

    return (*one(files.certificate), *one(files.key))
