"""A certificate that the room makes for itself, where it has no other."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kata.certificate import names
from kata.certificate import self_signed as signed_by_itself

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
    made, secret = signed_by_itself(hosts, timedelta(days=DAYS))
    _write(key, secret)
    _write(certificate, made)
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


def _is_good(certificate: Path, hosts: Sequence[str]) -> bool:
    read = _read(certificate)
    named = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*names(hosts)} <= {*named} and read.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)


def _read(certificate: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.read_bytes())


def _write(file: Path, data: bytes) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
