"""JupyterHub's proxy, which browsers talk to: configurable-http-proxy, installed by npm and run by node."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path

import psutil

from kata.room.hub.settings import Room, State

NAME = "configurable-http-proxy"
PINS = Path(__file__).with_name("proxy")
"""What npm installs, to the digest of every file; registry hosts are not among it."""

LEAST_NODE = 20
"""The oldest node that the proxy runs on."""

USER = "nobody"
"""Who the proxy runs as: it is what the network talks to, and needs nothing of root's but a port."""


class NoProxy(Exception):
    """There is no proxy; the message says what to do."""


def pinned() -> str:
    """The version that the course was tested with."""
    return json.loads((PINS / "package.json").read_text(encoding="utf-8"))["dependencies"][NAME]


def installed(state: State) -> str | None:
    """The version that is installed in a room's folder, or None."""
    try:
        return json.loads((_module(state) / "package.json").read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        return None


def install(state: State) -> bool:
    """Have the proxy installed, in the room's folder; returns whether it was not there yet.

    Raises:
        NoProxy: If node or npm is missing, or npm fails.
    """
    node()
    if installed(state) == pinned():
        return False
    npm = shutil.which("npm")
    if npm is None:
        raise NoProxy("npm is not there, by which the proxy is installed: `apt install nodejs npm`, then try again")
    for name in ("package.json", "npm-shrinkwrap.json"):
        shutil.copy(PINS / name, state.proxy)
    quiet = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(
        [npm, "ci", *quiet], cwd=state.proxy, capture_output=True, text=True, umask=0o022, check=False
    )
    if done.returncode or installed(state) != pinned():
        raise NoProxy(f"npm could not install {NAME} {pinned()}; it needs the registry once: {done.stderr.strip()}")
    return True


def node() -> str:
    """The program that runs the proxy.

    Raises:
        NoProxy: If it is missing.
    """
    found = shutil.which("node") or shutil.which("nodejs")
    if found is None:
        raise NoProxy("node is not there, which JupyterHub's proxy needs: `apt install nodejs npm`, then try again")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if not version.startswith("v") or int(version[1:].partition(".")[0]) < LEAST_NODE:
        raise NoProxy(f"node is {version}, and the proxy needs {LEAST_NODE}: Debian 13 and Ubuntu 26.04 bring it")
    return found


def command(room: Room) -> list[str]:
    """The command that starts the proxy: as nobody where that works, with the right to a port below 1024."""
    plain = [node(), str(_module(room.state) / "bin" / NAME)]
    return [*_listening(room), *_as_nobody(room, plain)]


def _listening(room: Room) -> list[str]:
    """What makes the proxy listen on all addresses.

    JupyterHub, told so itself, would look for its proxy at this machine's name, which on a fresh machine may lead
    nowhere. So it is told loopback, and what comes last holds.
    """
    if not ip_address(room.address).is_unspecified:
        return []
    return ["sh", "-c", f'exec "$@" --ip {room.address}', "sh"]


def _as_nobody(room: Room, plain: list[str]) -> list[str]:
    become = shutil.which("setpriv")
    if become is None:
        return plain
    bind = "-all,+net_bind_service" if room.port < 1024 else "-all"
    user = pwd.getpwnam(USER)
    drop = [become, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--no-new-privs"]
    drop += [f"--inh-caps={bind}", f"--ambient-caps={bind}", f"--bounding-set={bind}"]
    tried = subprocess.run([*drop, plain[0], plain[1], "--version"], capture_output=True, cwd="/", check=False)
    return [*drop, *plain] if tried.returncode == 0 else plain


def pid_file(state: State) -> Path:
    """Where JupyterHub writes down which process its proxy is."""
    return state.hub / "proxy.pid"


def ended(state: State) -> bool:
    """End a proxy that a JupyterHub which could not end it has left; returns whether there was one."""
    try:
        process = psutil.Process(int(pid_file(state).read_text(encoding="ascii")))
        if str(_module(state)) not in " ".join(process.cmdline()):
            return False  # the number is another's by now
        process.terminate()
        try:
            process.wait(5)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return False
    pid_file(state).unlink(missing_ok=True)
    return True


def certificate(room: Room) -> tuple[str, str]:
    """Copies of the certificate and its key that the proxy can read, and nobody else but root."""
    folder = room.state.tls
    folder.mkdir(mode=0o700, exist_ok=True)
    group = pwd.getpwnam(USER).pw_gid
    os.chown(folder, 0, group)
    folder.chmod(0o750)
    copies = []
    for source, name in ((room.certificate, "certificate.pem"), (room.key, "key.pem")):
        copy = folder / name
        copy.unlink(missing_ok=True)
        with open(os.open(copy, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o640), "wb") as stream:
            os.fchown(stream.fileno(), 0, group)
            os.fchmod(stream.fileno(), 0o640)  # whatever the umask
            stream.write(Path(str(source)).read_bytes())
        copies.append(str(copy))
    return copies[0], copies[1]


def _module(state: State) -> Path:
    return state.proxy / "node_modules" / NAME
