"""The learner's own copy of the starter."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from kata.audit import project_root
from kata.target import workspace


def start() -> tuple[Path, bool]:
    """Make the workspace from the starter, unless it is there already; nothing is ever overwritten.

    The copy is made beside the workspace and then renamed, so that an interruption leaves no half of one.

    Returns:
        The workspace's folder, and whether it was made now.

    Raises:
        OSError: If the folder cannot be written.
    """
    folder = workspace()
    if folder.exists():
        return folder, False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".kata-", dir=folder.parent) as beside:
        copy = Path(beside) / folder.name
        shutil.copytree(project_root() / "starter", copy, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            os.rename(copy, folder)
        except OSError:
            if not folder.exists():
                raise
            return folder, False  # somebody else was faster
    return folder, True
