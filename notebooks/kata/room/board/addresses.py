"""The addresses at which others reach this machine."""

from __future__ import annotations

import ipaddress
import socket

_AFAR = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses for documentation: a way to them is looked up, and nothing is sent."""

EVERYWHERE = ("0.0.0.0", "::")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reached_at(host: str) -> str:
    """Where others reach a server that listens on that address: itself, or this machine's own one on the network."""
    if host not in EVERYWHERE:
        return host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as way:
        try:
            way.connect((_AFAR[family], 9))
            return str(way.getsockname()[0])
        except OSError:  # no network
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"


def from_here(host: str) -> str:
    """Where this machine itself reaches that server."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
