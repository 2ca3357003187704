"""Processes that share the tests of a finding: each test is taken once, and one that nobody took is missed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kata.audit import audit, project_root
from kata.verdict.environment import environment
from kata.verdict.judge import _wait
from kata.verdict.logs import Ending, Run, told_by
from kata.verdict.model import Status

pytestmark = pytest.mark.slow  # each test starts two processes that import everything

FINDING, FOLDER = audit().finding("2.2"), project_root() / "solution"


@pytest.fixture
def both(tmp_path):
    """Have two processes judge the solution, side by side; what is known of them."""

    def judged():
        processes = []
        for number in "01":
            scratch = tmp_path / number
            scratch.mkdir()
            arguments = [str(scratch / "log.jsonl"), FINDING.tests, str(FOLDER), "60", str(tmp_path / "turns")]
            command = [sys.executable, "-m", "kata.verdict.child", *arguments]
            processes.append(subprocess.Popen(command, env=environment(scratch), stdout=subprocess.DEVNULL))
        return [
            Run.read(tmp_path / number / "log.jsonl", process.wait(), Ending.OWN)
            for number, process in zip("01", processes, strict=True)
        ]

    (tmp_path / "turns").mkdir()
    return judged


def test_each_test_is_run_by_one_process_and_all_are_run(both):
    first, second = both()
    (tests,) = first.of("tests")
    assert sorted([*first.passed, *second.passed]) == list(range(len(tests["names"])))
    assert told_by([first, second], FINDING, FOLDER)[0] is Status.FIXED


def test_a_test_that_somebody_else_has_taken_is_missed(both, tmp_path):
    (tmp_path / "turns" / "3").touch()
    runs = both()
    status, _, _, message = told_by(runs, FINDING, FOLDER)
    name = runs[0].of("tests")[0]["names"][3]
    assert status is Status.ERROR
    assert f"nobody has seen that {name.removeprefix('test_').replace('_', ' ')}" in message


class Share:
    """A process that has come to a test, and has failed there or is still at it."""

    def __init__(self, number, *, has_failed):
        self.has_failed, self.waited = has_failed, []
        self._run = Run([{"number": number, "event": "test", "name": "test_it"}], int(has_failed), Ending.OWN)

    def has_ended(self, limit):
        self.waited.append(limit)
        return self.has_failed

    def run(self):
        return self._run


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["ended first", "ended second"])
def test_who_is_past_the_first_failure_is_not_waited_for(order):
    failed, late = Share(8, has_failed=True), Share(9, has_failed=False)
    assert _wait([failed, late][order], limit=60) == [failed]
    assert max(late.waited, default=0) < 1
