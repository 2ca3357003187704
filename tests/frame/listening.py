"""Where a process listens, and whether anybody but this machine could call it there."""

from __future__ import annotations

from ipaddress import ip_address

import psutil


def addresses(process: int) -> set[str]:
    """The addresses that a process listens on, by any of its TCP sockets."""
    sockets = psutil.Process(process).net_connections(kind="tcp")
    return {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}


def exposed(listening: set[str]) -> list[str]:
    """Complaints about each address that is not loopback, and about a process that does not listen at all."""
    if not listening:
        return ["it listens nowhere"]
    return [f"it listens on {address}" for address in sorted(listening) if not ip_address(address).is_loopback]
