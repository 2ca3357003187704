"""`kata soak` says what it cannot do, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from click.testing import CliRunner

from kata.audit import project_root
from kata.cli import main
from kata.gallery import Change
from kata.load.bench import BenchFailed, Candidate, put_back
from kata.load.service import PACKAGE
from kata.load.soak.soak import soak

RESPONSE, PAYLOAD = "interfaces/whatsapp/whatsapp_response.py", "    payload: dict[str, Any] = "


@pytest.mark.slow
async def test_a_service_that_does_not_work_at_all_is_told_before_there_is_any_trouble(tmp_path, running):
    put_back(Candidate("mute", project_root() / "solution"), tmp_path)
    Change(RESPONSE, PAYLOAD, f"    return True\n{PAYLOAD}").apply(tmp_path / PACKAGE)
    with pytest.raises(BenchFailed, match="mute did not answer as it should.*: text, "):
        await soak(Candidate("mute", tmp_path / PACKAGE), 12.0, tmp_path / "home")
    assert running() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seconds", "0"], "range"),
        (["--package", "gone"], "no package folder 'gone'"),
        (["--json", "gone/record.json"], "no folder gone"),
    ],
)
def test_a_wrong_call_is_told_before_anything_starts(options, said):
    result = CliRunner().invoke(main, ["soak", *options])
    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.fixture
def soaking(kata) -> Iterator[subprocess.Popen[str]]:
    command = kata("soak", "--package", "solution")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
def test_a_soak_that_is_interrupted_leaves_nothing_behind(soaking):
    deadline = time.monotonic() + 60
    while len(started := psutil.Process(soaking.pid).children(recursive=True)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(started) == 2, "the service and its providers were not started within a minute"
    os.kill(soaking.pid, signal.SIGINT)
    soaking.communicate(timeout=60)
    _, alive = psutil.wait_procs(started, timeout=60)
    assert alive == []
