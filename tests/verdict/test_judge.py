"""The judge tells what it saw, whatever it is given, in bounded time."""

from __future__ import annotations

import contextlib
import os
import time

import psutil
import pytest

from kata.audit import audit, project_root
from kata.verdict import Status, judge

FINDING = audit().finding("1.4")
STT = "modules/speech/speech_to_text.py"


def test_the_starter_is_present_with_its_culprit():
    verdict = judge(FINDING, project_root() / "starter")
    lines = (project_root() / "starter" / STT).read_text().splitlines()
    assert verdict.status is Status.PRESENT
    assert verdict.culprit.file == f"starter/{STT}"
    assert lines[verdict.culprit.line - 1].strip() == verdict.culprit.source == "time.sleep(backoff_time)"
    assert verdict.culprit.function == "SpeechToText.transcribe"


@pytest.mark.parametrize("finding", audit().everything, ids=lambda finding: finding.id)
def test_every_finding_is_present_in_starter_and_fixed_in_solution(finding):
    assert judge(finding, project_root() / "starter").status is Status.PRESENT
    assert judge(finding, project_root() / "solution").status is Status.FIXED


def test_a_copy_of_the_starter_is_untouched(package_of):
    verdict = judge(FINDING, package_of("starter").folder)
    assert (verdict.status, verdict.behaviour) == (Status.UNTOUCHED, "kept")
    assert verdict.culprit.source == "time.sleep(backoff_time)"


def test_a_comment_does_not_touch(package_of):
    package = package_of("starter").transcribe_begins_with("# I will look at this tomorrow")
    assert judge(FINDING, package.folder).status is Status.UNTOUCHED


def test_an_edit_that_does_not_help_is_present(package_of):
    package = package_of("starter").replace("time.sleep(backoff_time)", "time.sleep(backoff_time + 0)")
    assert judge(FINDING, package.folder).status is Status.PRESENT


def test_a_changed_behaviour_is_broken_with_call_expected_and_got(package_of):
    package = package_of("solution").replace("return transcription.strip()", "return transcription.upper()")
    verdict = judge(FINDING, package.folder)
    assert (verdict.status, verdict.behaviour) == (Status.BROKEN, "changed")
    assert "await transcribe(voice_note)\n  expected: Hi, it's me." in verdict.message
    assert "got:      HI, IT'S ME." in verdict.message


def test_an_exception_is_broken_and_told_with_the_learners_frames_only(package_of):
    package = package_of("solution").replace("await asyncio.sleep(", "await asynccio.sleep(")
    verdict = judge(FINDING, package.folder)
    assert verdict.status is Status.BROKEN
    assert "NameError: name 'asynccio' is not defined" in verdict.message
    assert verdict.culprit.source == "await asynccio.sleep(backoff_time)"
    assert "site-packages" not in verdict.message
    assert str(package.folder.parent) not in verdict.message


@pytest.mark.parametrize("warm", [True, False])
def test_a_coroutine_that_nobody_awaits_is_named(package_of, warm):
    package = package_of("solution").replace("await asyncio.sleep(", "asyncio.sleep(")
    verdict = judge(FINDING, package.folder, warm=warm)
    line = 1 + (package.folder / STT).read_text().splitlines().index("                asyncio.sleep(backoff_time)")
    assert verdict.status is Status.BROKEN
    assert verdict.message.endswith(f"\nworkspace/{STT}:{line}: coroutine 'sleep' was never awaited")


def test_a_file_saved_within_the_same_second_is_judged_anew(package_of):
    package = package_of("solution")
    file = package.folder / STT
    stamp = file.stat()
    assert judge(FINDING, package.folder).status is Status.FIXED
    package.replace("backoff_time *= self", "backoff_time -= self")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert file.stat().st_size == stamp.st_size
    assert judge(FINDING, package.folder).status is not Status.FIXED


ENDLESS = "while True:\n    pass"


@pytest.mark.slow
class TestErrors:
    """What cannot be judged is an error in its own words, within 20 seconds."""

    def told(self, package) -> str:
        begun = time.monotonic()
        verdict = judge(FINDING, package.folder, limit=15)
        assert time.monotonic() - begun < 20
        assert (verdict.status, verdict.behaviour) == (Status.ERROR, None), verdict.message
        self.culprit = verdict.culprit
        return verdict.message

    def test_a_syntax_error(self, package_of):
        message = self.told(package_of("starter").replace("time.sleep(backoff_time)", "time.sleep(backoff_time"))
        assert "does not import" in message
        assert "SyntaxError" in message
        assert self.culprit.file == f"workspace/{STT}"

    def test_a_missing_module(self, package_of):
        package = package_of("starter")
        (package.folder / "core" / "resilience.py").unlink()
        message = self.told(package)
        assert "does not import" in message
        assert "ModuleNotFoundError" in message
        assert "core.resilience" in message

    def test_a_module_that_is_deleted_altogether(self, package_of):
        package = package_of("starter")
        (package.folder / STT).unlink()
        assert "speech_to_text" in self.told(package)

    def test_an_endless_loop(self, package_of):
        message = self.told(package_of("starter").transcribe_begins_with(ENDLESS))
        assert "did not end, while checking that a voice note becomes its text" in message
        assert self.culprit.function == "SpeechToText.transcribe"

    def test_an_endless_loop_at_import(self, package_of):
        package = package_of("starter").replace("logger = logging.getLogger(__name__)\n", f"{ENDLESS}\n")
        message = self.told(package)
        assert "did not end" in message
        assert self.culprit.function == "<module>"

    def test_an_os_exit(self, package_of):
        message = self.told(package_of("starter").transcribe_begins_with("os._exit(0)"))
        assert "ended by itself with exit status 0" in message
        assert "os._exit" in message

    def test_a_sys_exit_at_import(self, package_of):
        package = package_of("starter").replace("logger = logging.getLogger(__name__)\n", "raise SystemExit(0)\n")
        assert "SystemExit" in self.told(package)

    def test_a_deadlock_of_threads(self, package_of):
        lines = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"
        message = self.told(package_of("starter").transcribe_begins_with(lines))
        assert "did not end" in message
        assert self.culprit.source == "lock.acquire()"

    def test_a_deadlock_of_tasks(self, package_of):
        lines = "import asyncio\nlock = asyncio.Lock()\nawait lock.acquire()\nawait lock.acquire()"
        message = self.told(package_of("starter").transcribe_begins_with(lines))
        assert "it waits for something that never comes" in message
        assert self.culprit.source == "await lock.acquire()"

    def test_a_flood_of_output(self, package_of):
        message = self.told(package_of("starter").transcribe_begins_with("while True:\n    print('x' * 10000)"))
        assert "printed more than 8 MB" in message

    def test_a_process_that_is_killed(self, package_of):
        message = self.told(package_of("starter").transcribe_begins_with("os.kill(os.getpid(), 9)"))
        assert "killed by signal 9" in message


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are of POSIX")
def test_no_process_is_left_behind(package_of, tmp_path):
    lines = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(tmp_path)!r}, f'child-{{child.pid}}').touch()\n"
        "os._exit(0)"
    )
    assert judge(FINDING, package_of("starter").transcribe_begins_with(lines).folder).status is Status.ERROR
    children = [int(note.name.partition("-")[2]) for note in tmp_path.glob("child-*")]  # one of each that judged
    assert children
    for pid in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child = psutil.Process(pid)
            assert psutil.wait_procs([child], timeout=10)[1] == [] or child.status() == psutil.STATUS_ZOMBIE


def test_the_next_check_after_an_error_works(package_of):
    package = package_of("starter").transcribe_begins_with("os._exit(3)")
    assert judge(FINDING, package.folder).status is Status.ERROR
    package.replace("        os._exit(3)\n", "")
    assert judge(FINDING, package.folder).status is Status.UNTOUCHED
