"""JupyterHub's spawner: each learner's server as a system user of their own, in their copy, under limits."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner

from kata.room.hub import entrance, learners, limits
from kata.room.hub.settings import VARIABLE, Room


class RoomSpawner(LocalProcessSpawner):
    """Starts a learner's server by `enter.py`, and ends whatever the learner has running with it."""

    keeper: limits.Keeper
    """Who sees to the limits; the same for all, set by the configuration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room = Room.read(Path(os.environ[VARIABLE]))

    def make_preexec_fn(self, name: str) -> None:
        """Nothing is run between fork and exec: `enter.py` does it all, in a process of its own."""

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        home = str(self.room.home(self.user.name))
        return env | environment(self.room, home, f"{self.room.prefix}{self.user.name}")

    async def start(self) -> Any:
        self.cmd = await asyncio.to_thread(self._command)
        return await super().start()

    async def stop(self, now: bool = False) -> None:
        await super().stop(now)
        await asyncio.to_thread(self._leave)

    async def poll(self) -> int | None:
        status = await super().poll()
        if status is not None and self._is_placed:
            await asyncio.to_thread(self._leave)
        return status

    _is_placed = False

    def _command(self) -> list[str]:
        user = learners.user(self.room, self.user.name)
        learners.end_processes(user.pw_uid)  # what a server that died has left
        wanted = limits.Limits(self.room.memory, self.room.cores, self.room.processes)
        place = self.keeper.place(user.pw_name, wanted)
        self._is_placed = True
        server = [str(Path(sys.prefix, "bin", "python")), "-m", "jupyterhub.singleuser"]
        return entrance.command(self.room, user, place, server)

    def _leave(self) -> None:
        self._is_placed = False
        user = learners.user(self.room, self.user.name)
        learners.end_processes(user.pw_uid)
        self.keeper.leave(user.pw_name)


def environment(room: Room, home: str, user: str) -> dict[str, str]:
    """The environment variables of a learner's processes, beside those that JupyterHub needs."""
    copy, shared = f"{home}/course", Path(sys.prefix, "bin")
    return {
        "HOME": home,
        "USER": user,
        "LOGNAME": user,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([str(room.state.tools), str(shared), "/usr/local/bin", "/usr/bin", "/bin"]),
        "VIRTUAL_ENV": sys.prefix,
        "PYTHONPATH": os.pathsep.join([f"{copy}/notebooks", copy]),  # before the teacher's clone
        "OPENBLAS_NUM_THREADS": "1",  # or each kernel has a thread, and its memory, for each processor
    }
