"""What users of rustlings and learntools complain of cannot happen here: each complaint has its test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from kata.audit import audit, project_root
from kata.lesson import check
from kata.target import WORKSPACE_VARIABLE
from kata.verdict import Status, Verdict, judge
from kata.verdict.model import Behaviour
from kata.verdict.text import render
from kata.workspace import start

STT = "modules/speech/speech_to_text.py"
SLEEP = audit().finding("1.4")
PATIENCE = 90
"""Seconds for one verdict, on a machine that has other things to do."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))
    return start().folder


def kata(*arguments: str) -> str:
    """The command line in a process of its own: whatever a process only remembers is gone."""
    command = [sys.executable, "-c", "from kata.cli import main; main()", *arguments]
    run = subprocess.run(command, cwd=project_root(), capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def mend(folder) -> None:
    file = folder / STT
    text = file.read_text().replace("import time\n", "import asyncio\n")
    file.write_text(text.replace("time.sleep(backoff_time)", "await asyncio.sleep(backoff_time)"))


def test_progress_is_lost_on_restart(folder):
    mend(folder)
    assert "(workspace): fixed" in kata("check", "1.4")
    assert "✓ 1.4" in kata("progress")
    assert "nothing was changed" in kata("start")
    assert "✓ 1.4" in kata("progress")
    assert "await asyncio.sleep" in (folder / STT).read_text()


async def test_edit_the_code_or_the_test(folder):
    """There is no test in the workspace, and a verdict says which file of it to edit, and where."""
    assert [path for path in folder.rglob("*") if "test" in path.name.lower()] == []
    said = await check("1.4")
    (place,) = [line for line in said.splitlines() if line.startswith("  culprit: ")]
    file, line = place.removeprefix("  culprit: ").partition(",")[0].rsplit(":", 1)
    assert (folder.parent / file).read_text().splitlines()[int(line) - 1].strip() == "time.sleep(backoff_time)"
    assert "next: edit that line, save the file, and check again" in said


@pytest.mark.slow
@pytest.mark.parametrize("finding", audit().findings, ids=lambda finding: finding.id)
def test_exercises_pass_untouched(folder, finding):
    assert judge(finding, folder, limit=PATIENCE).status is Status.UNTOUCHED


@pytest.mark.parametrize("status", [Status.UNTOUCHED, Status.PRESENT])
def test_edit_the_code_or_the_test_where_no_line_was_seen(status):
    said = render(Verdict("1.4", status, Behaviour.KEPT, None, "…", 1.0), SLEEP, "workspace")
    assert f"next: edit workspace/{STT}::SpeechToText.transcribe, save the file, and check again" in said


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["while True: pass", "import threading; threading.Event().wait()"])
def test_a_hang_without_a_clue(folder, loop):
    file = folder / STT
    anchor = "        audio_format = _checked(audio_data, audio_format)\n"
    file.write_text(file.read_text().replace(anchor, f"        {loop}\n{anchor}"))
    said = kata("check", "1.4")
    assert "it did not end" in said
    assert f"{STT}:" in said
    assert loop.rpartition("; ")[2] in said


def test_an_edited_file_is_not_picked_up(folder):
    """Neither one of the same size and time, nor one that an editor has put in the old one's place."""
    file = folder / STT
    assert judge(SLEEP, folder, limit=PATIENCE).status is Status.UNTOUCHED
    stamp = file.stat()
    file.write_text(file.read_text().replace("backoff_time *= self", "backoff_time -= self"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert file.stat().st_size == stamp.st_size
    assert judge(SLEEP, folder, limit=PATIENCE).status is Status.BROKEN

    beside = file.with_suffix(".new")
    shutil.copy(project_root() / "starter" / STT, beside)
    os.replace(beside, file)
    assert judge(SLEEP, folder, limit=PATIENCE).status is Status.UNTOUCHED


def test_an_update_of_the_course_collides_with_my_work(folder):
    """The starter is another folder, which nobody edits; what is new in it can be added."""
    mend(folder)
    mine = (folder / STT).read_text()
    (folder / "settings.py").unlink()
    assert "it lacks settings.py" in kata("start")
    assert "added settings.py" in kata("start", "--missing")
    assert (folder / STT).read_text() == mine
