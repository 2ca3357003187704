"""A workspace of the test's own, and what a learner does to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kata.audit import project_root
from kata.cli import main
from kata.target import WORKSPACE_VARIABLE

STT = "modules/speech/speech_to_text.py"


class Desk:
    """A learner's place: the workspace's folder, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kata(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    def copy_of(self, base: str) -> None:
        """Begin with another package than the starter."""
        shutil.copytree(project_root() / base, self.folder, ignore=shutil.ignore_patterns("__pycache__"))

    def read(self, path: str = STT) -> str:
        return (self.folder / path).read_bytes().decode()

    def write(self, text: str, path: str = STT) -> None:
        (self.folder / path).write_bytes(text.encode())

    def replace(self, old: str, new: str, path: str = STT) -> None:
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(text.replace(old, new), path)


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    """A desk without a workspace."""
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))
    return Desk(tmp_path / "workspace")


@pytest.fixture
def begun(desk) -> Desk:
    """A desk with a fresh workspace."""
    desk.copy_of("starter")
    return desk
