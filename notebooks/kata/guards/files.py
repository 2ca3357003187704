"""Which files of a project are audited."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

NOT_OURS = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
"""Folders of other people's code; hidden folders and virtual environments are left out too."""


def python_files(root: Path, exclude: Sequence[str] = ()) -> list[str]:
    """The Python files below a folder, or the file itself, in order.

    Args:
        root: A folder or a file.
        exclude: Patterns such as ``tests/*``, of paths relative to the folder.
    """
    if root.is_file():
        return [root.as_posix()]
    return sorted(file.as_posix() for file in _walk(root) if not _is_excluded(file.relative_to(root), exclude))


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not _is_foreign(Path(folder, name))]
        here = (Path(folder, name) for name in files if name.endswith(".py"))
        yield from (file for file in here if file.is_file())  # not a link that leads nowhere


def _is_foreign(folder: Path) -> bool:
    return folder.name in NOT_OURS or folder.name.startswith(".") or (folder / "pyvenv.cfg").exists()


def _is_excluded(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch(path.as_posix(), pattern) for pattern in patterns)
