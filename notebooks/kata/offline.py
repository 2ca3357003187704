"""The companion without its providers: a command, with the stand-ins in their place."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kata.audio import voice_note
from kata.instruments.chat import kept_in
from kata.instruments.standins import EVERYBODY, providers


def run(command: Sequence[str]) -> int:
    """Run a command whose settings lead to stand-ins on loopback, until it ends.

    The command is looked for beside this Python first. What the companion keeps, its pictures, its memory and
    Chainlit's files, goes to a temporary folder, unless the environment says where.

    Returns:
        The command's exit status; minus a signal's number if one ended it.

    Raises:
        OSError: If the command cannot be started.
        RuntimeError: If a stand-in cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="kata-offline-") as scratch, providers(*EVERYBODY) as world:
        world.groq.recognise(voice_note().data, voice_note().text)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        environment = {**kept_in(scratch), **os.environ, "PATH": path, **world.settings()}
        program = shutil.which(command[0], path=path) or command[0]
        with subprocess.Popen([program, *command[1:]], env=environment) as process:
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which then ends
            try:
                return process.wait()
            finally:
                signal.signal(signal.SIGINT, before)
