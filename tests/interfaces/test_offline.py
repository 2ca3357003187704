"""`kata offline` runs a command with stand-ins in the place of the providers, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from kata.audit import project_root
from kata.instruments import webhook

KATA = str(Path(sys.executable).with_name("kata"))


@pytest.fixture
def offline(tmp_path):
    """Start a command by `kata offline`, with its temporary files below `tmp_path`."""
    started = []

    def start(*command: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [KATA, "offline", *command],
            cwd=project_root(),
            env={**os.environ, "TMPDIR": str(tmp_path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line_of(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """The first line a process prints that has the pattern."""
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"it ended and never said {pattern!r}:\n{''.join(said)}")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches a group of processes by other means there")
@pytest.mark.parametrize("package", ["starter", "solution"])
def test_uvicorn_starts_the_webhook_of_a_package_and_ctrl_c_ends_it(offline, package, tmp_path):
    process = offline("uvicorn", f"{package}.interfaces.whatsapp.webhook_endpoint:app", "--port", "0")
    address = line_of(process, r"http://127\.0\.0\.1:\d+").group()
    answer = httpx.post(address + webhook.PATH, json=webhook.text("Hello"), timeout=30)
    assert (answer.status_code, answer.text) == (200, "Message processed")
    os.killpg(process.pid, signal.SIGINT)
    line_of(process, "Application shutdown complete")
    assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_command_s_status_is_its_own(offline):
    process = offline(sys.executable, "-c", "import sys; sys.exit(7)")
    assert process.wait(60) == 7


def test_settings_of_the_stand_ins_go_before_keys_of_one_s_own(offline):
    asked = "import os; print(os.environ['GROQ_BASE_URL'], os.environ['GROQ_API_KEY'], os.environ['IMAGE_FOLDER'])"
    process = offline(sys.executable, "-c", asked, GROQ_API_KEY="mine", IMAGE_FOLDER="mine too")
    assert line_of(process, r"^http://127\.0\.0\.1:\d+ (\S+) (.+)$").groups() == ("stand-in-groq-key", "mine too")


def test_a_command_that_is_not_there_is_told(offline):
    process = offline("no-such-command")
    assert line_of(process, "cannot be started").string.startswith("Error: no-such-command")
    assert process.wait(60) == 2
