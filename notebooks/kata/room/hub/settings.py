"""A room as it was asked for, and where it keeps what."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from kata.room.hub.names import PREFIX, user_of

DEFAULT_STATE = Path("/var/lib/unblock-the-loop")
"""Where a room keeps everything unless it is told another folder."""

VARIABLE = "KATA_HUB"
"""Environment variable that tells JupyterHub's configuration where the room's settings are."""


@dataclass(frozen=True)
class State:
    """A room's folder: what is in it survives restarts, and nothing that has to is anywhere else.

    Only root can read `hub`; the learners' homes can be read by their owners only; `course` and `tools` by everybody.
    """

    folder: Path

    @property
    def hub(self) -> Path:
        """JupyterHub's database and cookie secret, the accounts, the certificate, the logs."""
        return self.folder / "hub"

    @property
    def accounts(self) -> Path:
        """Who has which name."""
        return self.hub / "accounts.sqlite"

    @property
    def settings(self) -> Path:
        """The room as it was asked for."""
        return self.hub / "room.json"

    @property
    def log(self) -> Path:
        """What JupyterHub and its proxy say."""
        return self.hub / "hub.log"

    @property
    def proxy(self) -> Path:
        """The proxy, as npm installs it."""
        return self.folder / "proxy"

    @property
    def tls(self) -> Path:
        """The certificate and its key, as the proxy reads them."""
        return self.folder / "tls"

    @property
    def course(self) -> Path:
        """The course as learners get it: read-only, and where their copies come from."""
        return self.folder / "course"

    @property
    def tools(self) -> Path:
        """Programs that learners find before all others."""
        return self.folder / "tools"

    @property
    def learners(self) -> Path:
        """The learners' homes."""
        return self.folder / "learners"

    def make(self) -> Self:
        """Make the folders, with their permissions. Those that are there stay, and get these permissions again."""
        for folder, mode in (
            (self.folder, 0o711),
            (self.hub, 0o700),
            (self.proxy, 0o711),
            (self.tools, 0o755),
            (self.learners, 0o711),
        ):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
        return self


@dataclass(frozen=True)
class Room:
    """A room.

    Attributes:
        folder: Where it keeps everything.
        address: The address it listens on.
        port: The port for browsers.
        hub_port: JupyterHub's own port, on loopback.
        proxy_port: The port by which JupyterHub instructs its proxy, on loopback.
        certificate: The certificate's file, or None without TLS.
        key: The certificate's key.
        memory: Bytes that all processes of one learner may have together.
        cores: Processors that they may use together.
        processes: How many they may be, threads included.
        cull: Seconds without a sign of its learner after which a server is ended.
        prefix: How the names of the learners' system users begin.
        view: Whether learners have a view of the machine of their own.
    """

    folder: str
    address: str = "127.0.0.1"
    port: int = 8000
    hub_port: int = 8081
    proxy_port: int = 8001
    certificate: str | None = None
    key: str | None = None
    memory: int = 2 * 2**30
    cores: float = 2.0
    processes: int = 600
    cull: int = 3600
    prefix: str = PREFIX
    view: bool = True

    @property
    def state(self) -> State:
        """Its folders."""
        return State(Path(self.folder))

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return self.url_of(anywhere.get(self.address, self.address))

    def url_of(self, host: str) -> str:
        """Where it is reached by a name or an address of this machine."""
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}/"

    def home(self, name: str) -> Path:
        """A learner's home."""
        user_of(name)  # or it is no name
        return self.state.learners / name

    def write(self) -> None:
        """Keep it, for JupyterHub's configuration and for the other commands."""
        beside = self.state.settings.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        os.replace(beside, self.state.settings)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The room that keeps everything in a folder.

        Raises:
            FileNotFoundError: If none was started there.
        """
        return cls(**json.loads(State(folder).settings.read_text(encoding="utf-8")))


def is_loopback(address: str) -> bool:
    """Whether only this machine can call an address.

    Raises:
        ValueError: If it is none: names of machines can mean anything.
    """
    return ip_address(address).is_loopback
