"""What `enter.py` is told: where a learner's processes go, what they see, and who they are."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kata.audit import project_root
from kata.room.hub import enter
from kata.room.hub.limits import Place
from kata.room.hub.settings import Room

LOG = ".server.log"
"""What a learner's server says, in their home."""

NOBODY = 65534


class CannotEnter(Exception):
    """Learners would not get in on this machine; the message says what to do."""


def command(room: Room, user: pwd.struct_passwd, place: Place, then: Sequence[str], *, log: str = LOG) -> list[str]:
    """The command by which root starts another one as a learner, in their copy of the course."""
    plan = _plan(user.pw_uid, user.pw_gid, user.pw_dir, view_of(room, user.pw_dir) if room.view else None)
    plan |= {"groups": place.groups, "rlimits": place.rlimits, "log": log, "course": str(room.state.course)}
    return [*place.before, *_entering(plan), *then]


def renewed(room: Room, user: pwd.struct_passwd) -> dict[str, list[str]]:
    """Bring a learner's copy to the state of the course, as the learner; see `enter.renew`."""
    plan = _plan(user.pw_uid, user.pw_gid, user.pw_dir, None) | {"course": str(room.state.course), "renews": True}
    done = subprocess.run(
        _entering(plan), cwd="/", capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    return json.loads(done.stdout)


def _plan(uid: int, gid: int, home: str, view: dict[str, object] | None) -> dict[str, Any]:
    """What `enter.py` is told, and nothing to do."""
    nothing = {"groups": (), "rlimits": {}, "log": None, "course": None, "renews": False}
    return {**nothing, "uid": uid, "gid": gid, "home": home, "view": view, "environment": sys.prefix}


def _entering(plan: dict[str, Any]) -> list[str]:
    return [sys.executable, "-I", enter.__file__, json.dumps(plan)]


def view_of(room: Room, home: str) -> dict[str, object]:
    """What a learner sees of the machine: not the teacher's clone, nobody's home but their own, and a /tmp for them."""
    kept = sorted({*_environment(), str(room.state.course), str(room.state.tools)})
    hidden = {"/root", "/home", str(project_root()), room.folder, *_closed(kept)}
    hidden = {place for place in hidden if os.path.isdir(place) and place != "/tmp"}
    return {
        "hidden": sorted(hidden),
        "kept": [path for path in kept if _is_below(path, {*hidden, "/tmp", "/dev/shm"})],
        "home": home,
    }


def looked_ahead(room: Room) -> bool:
    """Whether learners can have a view of their own, tried out with nobody.

    Raises:
        CannotEnter: If they could not run the environment, with a view or without.
    """
    said = {}
    for view in (True, False):
        plan = _plan(NOBODY, NOBODY, "/", view_of(room, str(room.state.tools)) if view else None)
        code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('jupyterlab') is None)"
        run = [*_entering(plan), sys.executable, "-I", "-c", code]
        done = subprocess.run(run, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return view
        said[view] = done.stderr.strip().rpartition("\n")[2]
    raise CannotEnter(
        f"learners cannot run {sys.executable} ({said[False]}), and this machine does not let them have a view of "
        f"their own ({said[True]}): put the clone, and a Python for all, where everybody can read them, such as /opt"
    )


def _environment() -> Iterator[str]:
    """The folders that the shared environment consists of: itself, and the Python that it was made from."""
    for prefix in (sys.prefix, sys.base_prefix):
        yield prefix
        yield os.path.realpath(prefix)
    program = Path(sys.executable)
    while program.is_symlink():
        program = program.parent / program.readlink()
        yield str(Path(os.path.normpath(program)).parents[1])


def _closed(paths: Sequence[str]) -> Iterator[str]:
    """The outermost folders on the way to some others that not everybody may pass."""
    for path in paths:
        for folder in reversed(Path(path).parents):
            if not folder.stat().st_mode & 0o001:
                yield str(folder)
                break


def _is_below(path: str, folders: set[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)
