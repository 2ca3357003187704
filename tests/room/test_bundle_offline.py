"""The bundle as a learner gets it: unpacked, installed and used in a network namespace that has loopback alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kata.room.bundle.install import CannotInstall, this_target

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]

PATIENCE = 400.0
"""Seconds after which what has not ended is given up."""


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command where there is no network, for somebody who has nothing of their own yet."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        pytest.skip("only Linux can take the network away from a command")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    alone = [unshare, *as_root, "--net", sys.executable, str(Path(__file__).with_name("loopback_only.py"))]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nobody may make a network namespace here")
    home = tmp_path_factory.mktemp("home")
    own = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

    def run(folder: Path, *command: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*alone, *map(str, command)],
            cwd=folder,
            env={**own, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle for this machine, from the registry."""
    try:
        platform, python = this_target()
    except CannotInstall as error:
        pytest.skip(str(error))
    file = tmp_path_factory.mktemp("made") / "bundle.zip"
    command = ["bundle", "--platform", platform, "--python", python, "--output", str(file)]
    made = subprocess.run(
        [sys.executable, "-c", "from kata.cli import main; main()", *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if made.returncode == 3 and "cannot be reached" in made.stderr:
        pytest.skip("the registry cannot be reached")
    assert made.returncode == 0, made.stderr
    assert [path.name for path in file.parent.iterdir()] == ["bundle.zip"]
    return file


@pytest.fixture(scope="module")
def course(archive: Path, offline: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The installed course, in a folder whose name is not a plain one."""
    place = tmp_path_factory.mktemp("laptop") / "Kurs für alle"
    with zipfile.ZipFile(archive) as file:
        file.extractall(place)
    (unpacked,) = place.iterdir()
    # what is never run need not be compiled
    done = offline(unpacked, sys.executable, "install.py", PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0, done.stderr
    assert f'cd "{unpacked / "course"}"' in done.stdout
    yield unpacked / "course"
    shutil.rmtree(place)


def test_there_really_is_no_network(offline, tmp_path):
    code = "import socket; print([name for _, name in socket.if_nameindex()])"
    assert offline(tmp_path, sys.executable, "-c", code).stdout == "['lo']\n"


def test_the_doctor_finds_everything_that_the_course_needs(course, offline):
    run = offline(course, ".venv/bin/kata", "doctor")
    assert run.returncode == 0, run.stdout + run.stderr
    assert [
        line for line in run.stdout.splitlines() if line.startswith("OK    the versions that the course was tested")
    ]


def test_a_verdict_is_given(course, offline):
    run = offline(course, ".venv/bin/kata", "check", "1.4", "--target", "starter")
    assert run.stdout.splitlines()[0] == "✗ 1.4 time.sleep between retries (starter): present"


def test_a_lesson_says_what_it_said(course, offline):
    lesson = "notebooks/1_4_sleep_between_retries.ipynb"
    run = offline(course, ".venv/bin/pytest", "--nbval", lesson, "-n0", "-q", "-p", "no:cacheprovider")
    assert run.returncode == 0, run.stdout[-3000:]
    assert " passed" in run.stdout


def test_what_one_edits_is_what_runs(course, offline):
    assert offline(course, ".venv/bin/kata", "start").stdout == f"made {course / 'workspace'}\n"
    where = "import starter, kata; print(starter.__file__, kata.__file__, sep='\\n')"
    run = offline(course.parent, course / ".venv/bin/python", "-I", "-c", where)
    assert run.stdout.splitlines() == [str(course / "starter/__init__.py"), str(course / "notebooks/kata/__init__.py")]
