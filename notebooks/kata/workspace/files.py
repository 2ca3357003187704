"""A package's files: which there are, and how one is written so that an interruption at any moment loses nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HIDDEN = ".kata"
"""The folder inside the workspace that is the course's own: copies, verdicts, and what is just being written.

Its name is no Python identifier, so that nothing in it can be imported, and so judged, as a part of the package.
"""

STALE = 3600.0
"""Seconds after which what an interrupted process has left half made is thrown away."""


class CannotWrite(OSError):
    """The workspace cannot be written as asked; the message says what to do."""


def modules(folder: Path) -> list[str]:
    """The package's modules, as paths relative to its folder with forward slashes, sorted.

    Hidden folders and caches are left out. Links to folders are followed, each folder once.
    """
    found, seen = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        here = Path(place)
        found += [here / name for name in names if name.endswith(".py") and (here / name).is_file()]
    return sorted(file.relative_to(folder).as_posix() for file in found)


@contextlib.contextmanager
def half_made(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder in which something is made that is renamed when it is whole; what is left in it goes away.

    Args:
        parent: Where to make it; must be on the disk of what is going to be replaced.
        prefix: How its name begins. Old ones with this prefix, left by an interruption, go away too.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE:
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def write(workspace: Path, path: str, data: bytes) -> None:
    """Give a file of the workspace new content: written beside it, then renamed.

    Whoever reads the file meets the old content or the new one, and never a part.

    Args:
        workspace: The workspace's folder.
        path: The file, relative to it.
        data: The new content.

    Raises:
        CannotWrite: If the file's folder is a link that leads out of the workspace.
        OSError: If it cannot be written.
    """
    file = workspace / path
    if not file.parent.resolve().is_relative_to(workspace.resolve()):
        raise CannotWrite(f"{file.parent} leads out of the workspace: make it a folder of its own, then try again")
    with half_made(workspace / HIDDEN, "half-") as folder:
        beside = folder / file.name
        write_through(beside, data)
        if file.is_file():
            shutil.copymode(file, beside)
        file.parent.mkdir(parents=True, exist_ok=True)
        os.replace(beside, file)


def write_through(file: Path, data: bytes) -> None:
    """Write a file, and wait until the disk has it."""
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
