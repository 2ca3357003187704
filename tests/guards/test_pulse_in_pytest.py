"""`pytest --pulse` fails async tests that block, and `kata audit --run` reports what only a run can see."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kata.cli import main

pytestmark = pytest.mark.slow  # each starts a pytest of its own

QUIET = "-q -p no:cacheprovider -p no:langsmith_plugin -p no:xdist"
PYTEST = f'"{sys.executable}" -m pytest {QUIET}'

NAPS = """\
import time


def nap(seconds=0.001):
    time.sleep(seconds)


def slowly(function):
    function()
"""

SPEAKER = """\
import asyncio

from speaker import naps


async def speak():
    naps.slowly(naps.nap)


async def speak_in_a_thread():
    await asyncio.to_thread(naps.nap)
"""

TESTS = """\
import asyncio
import time

import pytest
from speaker import voice


@pytest.mark.asyncio
async def test_it_speaks():
    await voice.speak()


@pytest.mark.asyncio
async def test_it_speaks_in_a_thread():
    await voice.speak_in_a_thread()
    time.sleep(0.001)  # of the test's own


def test_it_speaks_on_a_loop_of_its_own():
    asyncio.run(voice.speak())
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that blocks where no rule can see it, as the folder in which commands are called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (tmp_path / "speaker").mkdir()
    (tmp_path / "speaker" / "__init__.py").touch()
    (tmp_path / "speaker" / "naps.py").write_text(NAPS, encoding="utf-8")
    (tmp_path / "speaker" / "voice.py").write_text(SPEAKER, encoding="utf-8")
    (tmp_path / "test_voice.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def run_pytest(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", *QUIET.split(), *arguments], capture_output=True, encoding="utf-8", check=False
    )


def audit(*arguments):
    return CliRunner().invoke(main, ["audit", *arguments])


def test_a_test_during_which_the_loop_stands_still_fails_and_names_the_line(project):
    run = run_pytest("--pulse=speaker", "-rf")
    assert run.returncode == 1
    assert "1 failed, 2 passed" in run.stdout
    assert "LoopBlocked: the event loop stood still in test_it_speaks: time.sleep at speaker/naps.py:5" in run.stdout


def test_nothing_is_watched_where_it_is_not_asked_for(project):
    assert "3 passed" in run_pytest().stdout


def test_a_test_that_fails_of_itself_says_why(project):
    (project / "test_voice.py").write_text(TESTS.replace("await voice.speak()", "raise KeyError('mine')"))
    assert "KeyError: 'mine'" in run_pytest("--pulse=speaker").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--pulse=nowhere"], "there is no folder nowhere"), (["--pulse-report=."], "--pulse-report needs --pulse")],
)
def test_a_wrong_call_says_what_is_missing(project, arguments, says):
    run = run_pytest(*arguments)
    assert run.returncode == 4
    assert says in run.stderr


def test_the_audit_reports_what_only_the_run_has_seen(project):
    assert audit("speaker").exit_code == 0
    run = audit("speaker", "--run", PYTEST, "--format", "json")
    assert run.exit_code == 1
    table = json.loads(run.stdout)
    assert [(issue["rule"], issue["path"], issue["line"], issue["qualname"]) for issue in table["issues"]] == [
        ("loop-stood-still", "speaker/naps.py", 5, "nap")
    ]
    assert table["engines"] == ["ast-grep", "ruff", "pulse"]


def test_what_a_rule_and_the_run_see_is_told_once(project):
    text = SPEAKER.replace("import asyncio", "import asyncio\nimport time").replace(
        "naps.slowly(naps.nap)", "time.sleep(0)"
    )
    (project / "speaker" / "voice.py").write_text(text, encoding="utf-8")
    (issue,) = json.loads(audit("speaker", "--run", PYTEST, "--format", "json").stdout)["issues"]
    assert (issue["rule"], issue["also"]) == ("ASYNC251", ["loop-stood-still"])


def test_what_the_run_has_seen_can_be_allowed(project):
    text = NAPS.replace(
        "time.sleep(seconds)", "time.sleep(seconds)  # kata: allow loop-stood-still because it is a millisecond"
    )
    (project / "speaker" / "naps.py").write_text(text, encoding="utf-8")
    assert audit("speaker", "--run", PYTEST).exit_code == 0
    assert audit("speaker").exit_code == 0


def test_tests_that_fail_are_noted(project):
    (project / "test_voice.py").write_text(TESTS.replace("await voice.speak()", "raise KeyError"), encoding="utf-8")
    assert "some tests failed, so the pulse may have seen less" in audit("speaker", "--run", PYTEST).stdout


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-program", "cannot be started"),
        (f'"{sys.executable}" -c pass', "ran no tests with the pulse"),
        (f"{PYTEST} no_such_test.py", "left with status 4"),
        pytest.param('pytest "', "cannot be started", marks=pytest.mark.skipif(os.name != "posix", reason="no shlex")),
    ],
)
def test_a_command_that_runs_no_tests_is_not_taken_for_clean_code(project, command, says):
    run = audit("speaker", "--run", command)
    assert run.exit_code == 3
    assert says in run.stderr


def test_a_run_watches_one_folder(project):
    run = audit("speaker", "test_voice.py", "--run", PYTEST)
    assert run.exit_code == 2
    assert "--run watches the code of one folder" in run.stderr
