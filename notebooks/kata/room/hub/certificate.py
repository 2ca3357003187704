"""A certificate that the room makes for itself, where it has no other."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 90
"""How long it is good for."""


class BadCertificate(ValueError):
    """A certificate or key cannot be used; the message says why."""


def self_signed(folder: Path, hosts: Sequence[str]) -> tuple[Path, Path]:
    """A certificate and its key for these hosts; those in the folder, as long as they are good for them.

    Browsers warn of it, and the warning is right unless people compare the fingerprint.
    """
    certificate, key = folder / "self-signed.pem", folder / "self-signed.key"
    if certificate.is_file() and key.is_file() and _is_good(certificate, hosts):
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Unblock the Loop")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    _write(key, private.private_bytes(serialization.Encoding.PEM, form, plain))
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """The SHA-256 fingerprint, as browsers show it."""
    digest = hashlib.sha256(_read(certificate).public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def checked(certificate: Path, key: Path) -> None:
    """Look at a certificate and a key that somebody has brought.

    Raises:
        BadCertificate: If they do not go together, or the certificate is not good now.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        until = _read(certificate).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise BadCertificate(f"{certificate} and {key} are no certificate and its key: {error}") from None
    if until < datetime.now(UTC):
        raise BadCertificate(f"{certificate} ended on {until:%Y-%m-%d}: renew it")


def hosts_of_this_machine(address: str, *others: str) -> list[str]:
    """What people may call this machine: the address, or all it has if it listens on all, its name, and others."""
    import psutil

    hosts = [*others, socket.gethostname(), "localhost", "127.0.0.1"]
    if ip_address(address).is_unspecified:
        families = (socket.AF_INET, socket.AF_INET6)
        hosts += [
            each.address.partition("%")[0]
            for addresses in psutil.net_if_addrs().values()
            for each in addresses
            if each.family in families
        ]
    else:
        hosts.append(address)
    return list(dict.fromkeys(hosts))


def is_of_this_machine_only(host: str) -> bool:
    """Whether others cannot call this machine so: by a loopback or link-local address, or by a name that it has given
    itself."""
    try:
        address = ip_address(host)
    except ValueError:
        return True
    return address.is_loopback or address.is_link_local


def _names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    return [_name(host) for host in hosts]


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _is_good(certificate: Path, hosts: Sequence[str]) -> bool:
    read = _read(certificate)
    named = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*_names(hosts)} <= {*named} and read.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)


def _read(certificate: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.read_bytes())


def _write(file: Path, data: bytes) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
