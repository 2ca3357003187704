"""The course's files, and nothing of whoever packs them: no workspace, no keys, no history."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from kata.room import VISIBLE
from kata.room.bundle.errors import CannotBundle

TOP = (".ci", ".devcontainer", ".github", ".gitignore", ".pre-commit-hooks.yaml", *VISIBLE)
"""What stands at the top of the course: where there is no git to ask, nothing else is taken."""


def files(root: Path) -> list[str]:
    """The course's files, as paths relative to its folder with forward slashes, sorted.

    They are those that git tracks, as they stand in the folder. Without git, they are those below `TOP` that
    .gitignore does not name.

    Raises:
        CannotBundle: If this is no folder of the course, or git cannot say.
    """
    if not (root / "requirements.txt").is_file():
        raise CannotBundle(
            f"{root} is no clone of the course: run `kata bundle` in one, such as by `uv run kata bundle`"
        )
    git = shutil.which("git")
    found = _tracked(git, root) if git and (root / ".git").exists() else _not_ignored(root)
    return sorted(name for name in found if (root / name).is_file())


def changed(root: Path) -> list[str]:
    """The tracked files that are not as in the last commit; empty without git."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return []
    return _git(git, root, "diff", "--name-only", "-z", "--no-renames", "HEAD")


def _tracked(git: str, root: Path) -> list[str]:
    return _git(git, root, "ls-files", "-z")


def _git(git: str, root: Path, *arguments: str) -> list[str]:
    command = [git, "-c", "core.quotepath=off", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise CannotBundle(f"git does not say which files are the course's: {done.stderr.strip()}")
    return [name for name in done.stdout.split("\0") if name]


def _not_ignored(root: Path) -> Iterator[str]:
    patterns = [line for line in _lines(root / ".gitignore") if line and not line.startswith("#")]
    for name in TOP:
        if (root / name).is_file():
            yield name
        for place, folders, names in os.walk(root / name):
            here = Path(place).relative_to(root)
            folders[:] = [each for each in folders if not _is_ignored((here / each).as_posix() + "/", patterns)]
            yield from (
                path for path in ((here / each).as_posix() for each in names) if not _is_ignored(path, patterns)
            )


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def _is_ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern of .gitignore, in the forms that the course's has, names this path; a folder's ends with /."""
    name = path.rstrip("/").rpartition("/")[2]
    for pattern in patterns:
        if pattern.endswith("/") and not path.endswith("/"):
            continue
        wanted = pattern.strip("/")
        if fnmatchcase(path.rstrip("/") if pattern.startswith("/") else name, wanted):
            return True
    return False
