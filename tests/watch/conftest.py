"""A workspace of the test's own, and `kata watch` in a terminal of its own."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kata.audit import project_root
from kata.target import WORKSPACE_VARIABLE

STT = "modules/speech/speech_to_text.py"
PATIENCE = 90
"""Seconds until a test gives up waiting for a word; a verdict takes some two."""


class Desk:
    """A learner's workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def replace(self, old: str, new: str, path: str = STT) -> None:
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def mend(self) -> None:
        """Refactor finding 1.4 as the solution does."""
        self.replace("import time\n", "import asyncio\n")
        self.replace("time.sleep(backoff_time)", "await asyncio.sleep(backoff_time)")


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    folder = tmp_path / "workspace"
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(folder))
    shutil.copytree(project_root() / "starter", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Desk(folder)


@pytest.fixture
def watch(desk) -> Iterator[Callable[..., object]]:
    """Start `kata watch` under a pseudo-terminal."""
    pexpect = pytest.importorskip("pexpect", reason="pseudo-terminals are of POSIX")
    started = []

    def start(*arguments: str, **environment: str) -> object:
        command = ["-c", "from kata.cli import main; main()", "watch", *arguments]
        child = pexpect.spawn(
            sys.executable,
            command,
            cwd=str(project_root()),
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", **environment},
            dimensions=(60, 200),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where CI runs in the background
            encoding="utf-8",
            timeout=PATIENCE,
        )
        child.delaybeforesend = None
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)
