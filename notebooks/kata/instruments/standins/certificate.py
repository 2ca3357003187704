"""What a stand-in that plays an impostor shows: a certificate that no authority has signed."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from kata import certificate


def self_signed() -> ssl.SSLContext:
    """What a server on 127.0.0.1 needs to speak TLS with a fresh certificate, which it has signed itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory(prefix="kata-tls-") as folder:  # the ssl module takes them from files only
        file = Path(folder) / "impostor.pem"
        file.write_bytes(b"".join(certificate.self_signed(["127.0.0.1"], timedelta(days=1))))
        context.load_cert_chain(file)
    return context
