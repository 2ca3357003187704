"""Whatever is interrupted, before whichever step on the disk: nothing is lost, and the next try ends well."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kata.audit import audit, project_root
from kata.workspace import copies, reset, start, undo
from kata.workspace.files import modules

GONE = 99
FINDING = next(finding for finding in audit().findings if len({each.path for each in finding.where}) > 1)
pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in modules(folder)}


def interrupted(*deed: str) -> Iterator[int]:
    """Do something again and again, each time a step further, until it ends by itself; the caller clears up."""
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), *deed]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for step in range(1, 300):
            print(step, file=process.stdin, flush=True)
            status = process.stdout.readline().strip()
            if status == "0":
                assert step > 5, "it hardly did anything"
                return
            assert status == str(GONE)
            yield step
    raise AssertionError("it did not end")


def test_start_leaves_no_half_of_a_workspace(desk):
    whole = contents(project_root() / "starter")
    for _ in interrupted("start"):
        if desk.folder.exists():
            assert contents(desk.folder) == whole
            shutil.rmtree(desk.folder)
    assert contents(desk.folder) == whole
    assert start().is_new is False


def test_reset_loses_nothing(desk):
    desk.copy_of("solution")
    mine = contents(desk.folder)
    paths = {each.path for each in FINDING.where}
    for _ in interrupted("reset", FINDING.id):
        now = contents(desk.folder)
        assert set(now) == set(mine)
        for path in now:
            kept = any(copy.read(path) == mine[path] for copy in copies(desk.folder) if path in copy.paths)
            assert now[path] == mine[path] or (path in paths and kept), path
        if copies(desk.folder):
            undo("1")
        assert contents(desk.folder) == mine
        shutil.rmtree(desk.folder / ".kata", ignore_errors=True)
    reset(FINDING.id)
    assert all(contents(desk.folder)[path] != mine[path] for path in paths)


def test_undo_loses_nothing(desk):
    desk.copy_of("solution")
    mine = contents(desk.folder)
    reset(FINDING.id)
    put_back = contents(desk.folder)
    shutil.copytree(desk.folder, desk.folder.with_name("before"))
    for _ in interrupted("undo", "1"):
        now = contents(desk.folder)
        for path in now:
            assert now[path] in (mine[path], put_back[path]), path
        assert copies(desk.folder)[0].read(FINDING.where[0].path) == mine[FINDING.where[0].path]
        undo("1")
        assert contents(desk.folder) == mine
        shutil.rmtree(desk.folder)
        shutil.copytree(desk.folder.with_name("before"), desk.folder)
    assert contents(desk.folder) == mine


def test_what_an_interruption_left_half_made_goes_away_in_time(begun):
    left = begun.folder / ".kata" / "half-gone"
    left.mkdir(parents=True)
    young = begun.folder / ".kata" / "half-young"
    young.mkdir()
    os.utime(left, (0, 0))
    begun.replace("time.sleep(", "print(")
    begun.kata("reset", "1.4")
    assert not left.exists()
    assert young.exists()
