"""The way from root to a learner: limits, what they can see of the machine, who they are, their copy, their server.

Run as a file and by root, with `python -I`, so that nothing that a learner can write is imported before they are who
they are. It uses the standard library only, and ends by becoming the command it was given.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

CLONE_NEWNS = 0x20000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 1, 2, 4, 32, 4096, 16384, 1 << 19
PR_SET_NO_NEW_PRIVS = 38

TEMPORARY = "256m"
"""What a learner's own /tmp may hold; it is memory, and counts as theirs."""

GIVEN = ".course.json"
"""The file in a copy that says what it was made from: a digest for each file."""

_libc = ctypes.CDLL(None, use_errno=True)


def main(plan: Mapping[str, Any], command: Sequence[str]) -> None:
    """Become a learner, and then the command.

    Args:
        plan: See `kata.room.hub.entrance.plan`.
        command: The command and its arguments.
    """
    for group in plan["groups"]:
        Path(group).write_text(str(os.getpid()), encoding="ascii")
    if plan["view"]:
        look(**plan["view"])
    for name, limit in plan["rlimits"].items():
        number = getattr(resource, name)
        resource.setrlimit(number, (limit, limit))
    become(plan["uid"], plan["gid"])
    home = Path(plan["home"])
    if plan["log"]:
        log = os.open(home / plan["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
    if plan["renews"]:
        print(json.dumps(renew(Path(plan["course"]), home / "course")))
        return
    if plan["course"]:
        give(Path(plan["course"]), home / "course", plan["environment"])
        os.chdir(home / "course")
    os.execv(command[0], list(command))


def look(hidden: Iterable[str], kept: Iterable[str], home: str) -> None:
    """Have a view of the machine of one's own.

    Args:
        hidden: Folders that are seen empty, except for what is kept.
        kept: Folders that are seen, read-only.
        home: A folder that is seen as it is.
    """
    _do(_libc.unshare(CLONE_NEWNS), "unshare")
    _mount("none", "/", flags=MS_REC | MS_SLAVE)
    seen = {path: os.open(path, os.O_PATH | os.O_DIRECTORY) for path in [*kept, home]}
    umask = os.umask(0o022)
    places = [(place, "mode=755,size=1m") for place in sorted(hidden)]
    for place, options in [*places, ("/tmp", f"mode=1777,size={TEMPORARY}"), ("/dev/shm", "mode=1777,size=64m")]:
        if os.path.isdir(place):
            _mount("none", place, "tmpfs", MS_NOSUID | MS_NODEV, options)
    for path, folder in seen.items():
        os.makedirs(path, exist_ok=True)
        _mount(f"/proc/self/fd/{folder}", path, flags=MS_BIND | MS_REC)
        if path != home:
            _mount("none", path, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID)
        os.close(folder)
    os.umask(umask)


def become(uid: int, gid: int) -> None:
    """Be somebody else from now on, for good."""
    _do(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(0o077)


def give(course: Path, copy: Path, environment: str) -> None:
    """Make a learner's copy of the course, by the learner. One that is there is left alone; none is ever half there.

    Args:
        course: The course as all get it.
        copy: Where the copy goes.
        environment: The environment that all share, which editors find as the copy's ``.venv``.
    """
    if os.path.lexists(copy):
        return
    with tempfile.TemporaryDirectory(prefix=".half-", dir=copy.parent, ignore_cleanup_errors=True) as beside:
        half = Path(beside) / copy.name
        shutil.copytree(course, half, symlinks=True)
        for place, _, files in os.walk(half):
            os.chmod(place, 0o700)
            for file in files:
                os.chmod(os.path.join(place, file), 0o600)
        os.symlink(environment, half / ".venv")
        os.rename(half, copy)


def renew(course: Path, copy: Path) -> dict[str, list[str]]:
    """Bring a learner's copy to the state of the course, by the learner; what they have changed stays as it is.

    Returns:
        The paths of what was ``added``, what was ``replaced``, and what has news but is the learner's: ``kept``.
    """
    done: dict[str, list[str]] = {"added": [], "replaced": [], "kept": []}
    if not copy.is_dir():
        return done  # they have none yet, or have moved it away: the next login makes one
    wanted = json.loads((course / GIVEN).read_bytes())
    try:
        given = json.loads((copy / GIVEN).read_bytes())
    except (OSError, ValueError):
        given = {}
    for path, digest in wanted.items():
        mine = copy / path
        if not os.path.lexists(mine):
            done["added"].append(path)
        elif digest in (given.get(path), found := _digest(mine)):
            given[path] = digest
            continue
        elif found == given.get(path):
            done["replaced"].append(path)
        else:
            done["kept"].append(path)
            continue
        mine.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".half-", dir=copy) as beside:
            shutil.copy2(course / path, Path(beside) / "new")
            os.chmod(Path(beside) / "new", 0o600)
            os.replace(Path(beside) / "new", mine)
        given[path] = digest
    half = copy / f"{GIVEN}.half"
    half.write_text(json.dumps(given), encoding="utf-8")
    os.replace(half, copy / GIVEN)
    return done


def _digest(file: Path) -> str | None:
    """A file's digest; None if it is none, or cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def _mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    encoded = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
    data = None if options is None else os.fsencode(options)
    _do(_libc.mount(*encoded, ctypes.c_ulong(flags), data), f"mount {target}")


def _do(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
