"""Workspaces to be judged: copies of starter or solution, changed by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kata.audit import project_root

STT = "modules/speech/speech_to_text.py"


class Package:
    """A package's folder in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def replace(self, old: str, new: str, path: str = STT) -> Package:
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")
        return self

    def transcribe_begins_with(self, lines: str) -> Package:
        anchor = "        audio_format = _checked(audio_data, audio_format)\n"
        body = "".join(f"        {line}\n" for line in lines.splitlines())
        return self.replace(anchor, body + anchor)


@pytest.fixture
def package_of(tmp_path: Path) -> Callable[[str], Package]:
    def make(base: str) -> Package:
        folder = tmp_path / "workspace"
        shutil.copytree(project_root() / base, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return Package(folder)

    return make
