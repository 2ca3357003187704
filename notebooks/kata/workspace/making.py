"""Makes the learner's own copy of the starter."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from kata.audit import project_root
from kata.target import workspace
from kata.workspace.files import CannotWrite, half_made, modules, write


@dataclass(frozen=True)
class Start:
    """How the workspace stands.

    Attributes:
        folder: Where it is.
        is_new: Whether it was made now.
        missing: Modules that the starter has and the workspace has not: deleted, renamed, or new in the course.
    """

    folder: Path
    is_new: bool
    missing: tuple[str, ...]


def start() -> Start:
    """Make the workspace from the starter, unless it is there already; nothing is ever overwritten.

    The copy is made beside the workspace and then renamed, so that an interruption leaves no half of one.

    Raises:
        CannotWrite: If there is a file where the workspace's folder should be.
        OSError: If the folder cannot be written.
    """
    folder = workspace()
    if folder.is_dir() and any(folder.iterdir()):
        return Start(folder, False, _missing(folder))
    if folder.exists() and not folder.is_dir():
        raise CannotWrite(f"{folder} is a file, and the workspace has to go there: move it away, then try again")
    with half_made(folder.parent, ".kata-start-") as beside:
        copy = beside / folder.name
        shutil.copytree(project_root() / "starter", copy, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            os.rename(copy, folder)
        except OSError:
            if not folder.exists():
                raise
            if any(folder.iterdir()):  # somebody else was faster
                return Start(folder, False, _missing(folder))
            add_missing()  # an empty folder that cannot be replaced, such as a mounted one
    return Start(folder, True, ())


def add_missing() -> tuple[str, ...]:
    """Add the starter's modules that the workspace lacks; those that are there stay as they are.

    Returns:
        What was added.
    """
    folder = workspace()
    missing = _missing(folder)
    for path in missing:
        write(folder, path, (project_root() / "starter" / path).read_bytes())
    return missing


def _missing(folder: Path) -> tuple[str, ...]:
    return tuple(path for path in modules(project_root() / "starter") if not (folder / path).exists())
