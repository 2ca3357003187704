"""Dated copies of the learner's files, kept before anything is put back over them, and never deleted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kata.workspace.files import HIDDEN, half_made, write, write_through


class NoSuchCopy(LookupError):
    """No copy goes by this name; the message says which there are."""


@dataclass(frozen=True)
class Copy:
    """Some of the workspace's files, as they were before something was done.

    Attributes:
        number: Counted from 1 in each workspace.
        made: When.
        why: Before what, such as ``reset 1.4``.
        paths: The files, relative to the workspace's folder.
        folder: Where the copy is.
    """

    number: int
    made: datetime
    why: str
    paths: tuple[str, ...]
    folder: Path

    def __str__(self) -> str:
        return f"{self.number}  {self.made.astimezone():%Y-%m-%d %H:%M:%S}  before {self.why}: {', '.join(self.paths)}"

    def read(self, path: str) -> bytes:
        """A file's content in this copy."""
        return (self.folder / "files" / path).read_bytes()


def keep(workspace: Path, paths: Iterable[str], why: str) -> Copy | None:
    """Keep a dated copy of some files; it is there when this returns, or the files are still untouched.

    Args:
        workspace: The workspace's folder.
        paths: The files, relative to it; those that are not there are left out.
        why: Before what.

    Returns:
        The copy, or None if there was nothing to be kept.
    """
    there = tuple(path for path in paths if (workspace / path).is_file())
    if not there:
        return None
    made = datetime.now(UTC).replace(microsecond=0)
    shelf = workspace / HIDDEN / "copies"
    shelf.mkdir(parents=True, exist_ok=True)
    with half_made(workspace / HIDDEN, "half-") as folder:
        copy = folder / "copy"
        for path in there:
            (copy / "files" / path).parent.mkdir(parents=True, exist_ok=True)
            write_through(copy / "files" / path, (workspace / path).read_bytes())
        label = json.dumps({"made": made.isoformat(), "why": why, "paths": there})
        write_through(copy / "copy.json", label.encode())
        number = max((each.number for each in copies(workspace)), default=0) + 1
        name = re.sub(r"[^\w.]+", "-", why)
        place = shelf / f"{number:04}_{made:%Y-%m-%d_%H-%M-%SZ}_{name}"
        os.rename(copy, place)
    return Copy(number, made, why, there, place)


def copies(workspace: Path) -> list[Copy]:
    """All copies of a workspace, the oldest first."""
    shelf = workspace / HIDDEN / "copies"
    return sorted(map(_read, shelf.glob("[0-9]*/copy.json")), key=lambda copy: (copy.number, copy.folder.name))


def copy_of(workspace: Path, name: str) -> Copy:
    """A copy by its number, by the name of its folder, or the ``last`` one.

    Raises:
        NoSuchCopy: If there is none.
    """
    all_of_them = copies(workspace)
    if not all_of_them:
        raise NoSuchCopy("no copy has been kept yet: `kata reset` keeps one before it puts anything back")
    if name == "last":
        return all_of_them[-1]
    for copy in all_of_them:
        if name in (str(copy.number), copy.folder.name):
            return copy
    raise NoSuchCopy(f"no copy {name!r}: there are 1 to {all_of_them[-1].number}, see `kata reset --list`")


def bring_back(workspace: Path, copy: Copy) -> tuple[tuple[str, ...], Copy | None]:
    """Bring a copy's files back, after keeping a copy of those that stand in their place.

    Returns:
        The files that had to change, and the copy kept of them now, or None if there was nothing to be kept.
    """
    changed = tuple(path for path in copy.paths if _content(workspace / path) != copy.read(path))
    kept = keep(workspace, changed, f"undo {copy.number}")
    for path in changed:
        write(workspace, path, copy.read(path))
    return changed, kept


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _read(label: Path) -> Copy:
    told = json.loads(label.read_text(encoding="utf-8"))
    number = int(label.parent.name.partition("_")[0])
    return Copy(number, datetime.fromisoformat(told["made"]), told["why"], tuple(told["paths"]), label.parent)
