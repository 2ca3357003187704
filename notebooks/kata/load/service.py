"""The WhatsApp service of one package, run by uvicorn in a process of its own, as it would be deployed.

The module is that process too (`python -m kata.load.service`): it says on which port it listens, answers each line of
its standard input with what it holds at that moment (`kata.load.holdings`), and stops when that input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import httpx
import uvicorn
from uvicorn.supervisors import Multiprocess

from kata.instruments.chat import kept_in
from kata.instruments.disk import slow_disk
from kata.load.child import Child, running, say
from kata.load.holdings import held

LOOPS = ("asyncio", "uvloop")

PACKAGE = "companion"
"""The name under which a service imports the package that it runs, and so the name of the package's folder."""

_APPLICATION = f"{PACKAGE}.interfaces.whatsapp.webhook_endpoint:app"
_GRACE = 1  # seconds for requests in progress at the end
_QUIET = {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false", "NO_PROXY": "*", "no_proxy": "*"}
"""Nothing but loopback, whatever the environment says."""


@asynccontextmanager
async def service(
    name: str,
    folder: Path,
    settings: Mapping[str, str],
    *,
    loop: str = "asyncio",
    workers: int = 1,
    slow: float = 0.0,
    grace: float = 5.0,
) -> AsyncIterator[tuple[Child, str]]:
    """Serve the package `PACKAGE` of a folder, and stop it at the end; gives the process, and the service's address.

    Args:
        folder: A folder of its own: the package is there, and it keeps there whatever it keeps.
        settings: How it reaches its providers.
        loop: The event loop, one of `LOOPS`.
        workers: How many processes serve.
        slow: Seconds that each opening, making and removing of what it keeps takes longer; with one worker.
        grace: Seconds that it may take to end.

    Raises:
        ChildFailed: If it does not start.
    """
    ways = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    kept = await kept_below(folder)
    environment = {**environment_of(kept, settings), "PYTHONPATH": ways}
    arguments = [f"--loop={loop}", f"--workers={workers}", f"--kept={kept}", f"--slow={slow}"]
    async with running(
        name, "kata.load.service", arguments, folder=folder, environment=environment, grace=grace
    ) as child:
        address = f"http://127.0.0.1:{(await child.hear())['port']}"
        await _is_there(child, address)
        yield child, address


async def kept_below(folder: Path) -> Path:
    """The folder below a service's own in which it keeps whatever it keeps; is made."""
    kept = folder / "kept"
    await asyncio.to_thread(kept.mkdir, exist_ok=True)
    return kept


def environment_of(kept: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The variables for a service that keeps whatever it keeps in a folder, and calls nobody but its providers."""
    return {**kept_in(kept), **settings, **_QUIET, "TMPDIR": str(kept)}


async def _is_there(child: Child, address: str) -> None:
    """Return once the service answers.

    Raises:
        ChildFailed: If it has ended.
    """
    try:
        # kata: allow client-per-request because nobody is served yet
        async with httpx.AsyncClient(timeout=None, verify=False, trust_env=False) as client:
            await client.get(f"{address}/health")
    except httpx.HTTPError:
        await child.hear()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--loop", choices=LOOPS, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--kept", type=Path, default=Path.cwd())
    parser.add_argument("--slow", type=float, required=True)
    given = parser.parse_args()
    config = uvicorn.Config(
        _APPLICATION,
        loop=given.loop,
        workers=given.workers,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE,
    )
    with socket.create_server(("127.0.0.1", 0), backlog=config.backlog) as listener:
        say({"port": listener.getsockname()[1]})
        with slow_disk(given.kept, seconds=given.slow) if given.slow else nullcontext():
            if given.workers > 1:
                supervisor = Multiprocess(config, [listener])
                _obey(lambda: None, supervisor.should_exit.set)
                supervisor.run()
            else:
                server = _Server(config)
                _obey(lambda: server.loop, lambda: setattr(server, "should_exit", True))
                server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn's, which says on which loop it serves."""

    loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)


def _obey(loop: Callable[[], asyncio.AbstractEventLoop | None], stop: Callable[[], object]) -> None:
    def listen() -> None:
        for _ in sys.stdin:
            say(held(loop()))
        stop()

    threading.Thread(target=listen, name="standard input", daemon=True).start()


if __name__ == "__main__":
    _main()
