"""A copy of the project, and its own tests run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from kata.audit import project_root
from kata.target import WORKSPACE_VARIABLE


def copied(folder: Path) -> Path:
    """Copy the project into a folder, to be tampered with; returns the folder."""
    for name in ("notebooks", "starter", "solution", "tests", "pyproject.toml"):
        source = project_root() / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copy(source, folder)
    (folder / "README.md").touch()
    return folder


def environment_of(project: Path) -> dict[str, str]:
    """Environment variables with which Python imports the course and its packages from a copy of the project."""
    others = {name: value for name, value in os.environ.items() if name != WORKSPACE_VARIABLE}
    return {**others, "PYTHONPATH": os.pathsep.join([str(project / "notebooks"), str(project)])}


def pytest_in(project: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run pytest as the README does, one test after the other, in a copy of the project and on its packages."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, arguments), "-q", "-n0", "-p", "no:cacheprovider"],
        cwd=project,
        env=environment_of(project),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
