"""What the logs of the processes that judged a finding come to: what went wrong first, in the order of the tests."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from kata.audit import Finding, Location, project_root
from kata.instruments.culprit import Culprit
from kata.syntax import parse
from kata.verdict.model import Behaviour, Status
from kata.verdict.process import MOST_OUTPUT

Told = tuple[Status, Behaviour | None, Culprit | None, str]
"""A verdict but for its finding and its time."""

_Entry = Mapping[str, Any]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Ending(StrEnum):
    """How a process came to its end."""

    OWN = "by itself"
    LIMIT = "it was stopped, for it took too long"
    FLOOD = "it was stopped, for it printed too much"


@dataclass(frozen=True)
class Run:
    """One process: what it wrote into its log, and how it ended.

    Attributes:
        entries: The lines of its log; each has the number of the test that was running, -1 before the first.
        status: Its exit status, or minus the signal that killed it.
        ending: Whether it ended by itself.
    """

    entries: Sequence[_Entry]
    status: int
    ending: Ending

    @classmethod
    def read(cls, log: Path, status: int, ending: Ending) -> Self:
        """Read the log, as far as it was written."""
        try:
            lines = log.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        entries = []
        for line in lines:
            try:
                entries.append(json.loads(line))
            except json.JSONDecodeError:
                break  # the last line of a process that was killed while it wrote
        return cls(entries, status, ending)

    @property
    def reached(self) -> float:
        """The number of the last test that was begun, among all tests of the finding; -1 before the first."""
        return self.entries[-1]["number"] if self.entries else -1

    @property
    def stopped_at(self) -> float:
        """The number of the test at which something was not as it should be, infinite if all was well."""
        return math.inf if self.status == 0 and not self.of("skipped") and not self.unseen else self.reached

    @property
    def last(self) -> _Entry | None:
        """The last entry that is none of a test's course."""
        course = ("tests", "test", "passed", "skipped", "unawaited")
        return next((entry for entry in reversed(self.entries) if entry["event"] not in course), None)

    def of(self, event: str) -> list[_Entry]:
        """The entries of one kind."""
        return [entry for entry in self.entries if entry["event"] == event]

    @property
    def passed(self) -> Mapping[int, str]:
        """The tests that it has seen pass: their names by their numbers."""
        return {entry["number"]: entry["name"] for entry in self.of("passed")}

    @property
    def unseen(self) -> Mapping[int, str]:
        """The tests that it began and has not seen pass."""
        return {entry["number"]: entry["name"] for entry in self.of("test") if entry["number"] not in self.passed}


def told_by(runs: Sequence[Run], finding: Finding, folder: Path) -> Told:
    """What processes that shared the tests of a finding say of a package.

    Args:
        runs: The processes.
        finding: The finding.
        folder: The folder of the package.
    """
    for run in runs:
        for entry in run.of("tampered"):  # from there on nothing else can be believed
            name = entry["name"]
            return error(
                f"stopped: the code under test replaces {name}, {_while(run)}. What judges it must be left alone"
            )
    wrong = [each for run in runs if (each := _wrong(run, finding, folder))]
    if wrong:
        return min(wrong, key=lambda each: each[0])[1]
    passed = {number: name for run in runs for number, name in run.passed.items()}
    names = next((entry["names"] for run in runs for entry in run.of("tests")), [])
    missing = {name for number, name in enumerate(names) if number not in passed}
    if missing := missing | _names_in(project_root() / finding.tests) - set(passed.values()):
        return _unseen(missing)
    return Status.FIXED, Behaviour.KEPT, None, "the event loop turns, and the behaviour is kept"


def error(message: str, culprit: Culprit | None = None) -> Told:
    """It could not be judged."""
    return Status.ERROR, None, culprit, message


def _wrong(run: Run, finding: Finding, folder: Path) -> tuple[float, Told] | None:
    """The first thing that was not as it should be in a process, and at which test."""
    if told := _broken_off(run):
        return run.reached, told
    for entry in run.of("uncollected"):
        return -1, error(f"the tests of finding {finding.id} cannot be imported: {entry['message']}")
    if run.of("interrupted"):
        return run.reached, error("the tests were interrupted by a KeyboardInterrupt that nobody typed")
    failures = run.of("failed")
    if not failures and run.status != 0:
        return -1, error(f"the tests of finding {finding.id} could not be run (pytest's exit status {run.status})")
    if skipped := run.of("skipped"):
        return skipped[0]["number"], _unseen({entry["name"] for entry in skipped})
    if failures:
        return failures[0]["number"], _failed(failures[0], run, finding, folder)
    if run.unseen:
        return run.reached, _unseen(set(run.unseen.values()))
    return None


def _broken_off(run: Run) -> Told | None:
    """Why a process did not come to its end, if it did not."""
    while_, last = _while(run), run.last
    if run.ending is Ending.FLOOD:
        return error(f"stopped: it printed more than {MOST_OUTPUT // 2**20} MB {while_}. Is there a print in a loop?")
    if last is not None and last["event"] == "stuck":
        culprit = _culprit(last)
        where = f"at {culprit}" if culprit else "outside the package"
        return error(f"stopped: it did not end, {while_}. It was {where}", culprit)
    if run.ending is Ending.LIMIT:
        return error(f"stopped: it did not end, {while_}. A call that never gives way was running")
    if last is None or last["event"] != "end":
        if run.status < 0:
            return error(f"the process was killed by signal {-run.status}, {while_}")
        return error(f"the process ended by itself with exit status {run.status}, {while_}. Is there an os._exit?")
    return None


def _while(run: Run) -> str:
    tests = run.of("test")
    return f"while checking that {_sentence(tests[-1]['name'])}" if tests else "while it was being started"


def _failed(failure: _Entry, run: Run, finding: Finding, folder: Path) -> Told:
    message, culprit = failure["message"], _culprit(failure)
    if failure["error"] in ("TargetDoesNotImport", "DidNotEnd"):
        return error(message, culprit)
    if failure["kind"] == "behaviour" or failure["when"] != "call":
        unawaited = [entry["message"] for entry in run.of("unawaited")]
        return Status.BROKEN, Behaviour.CHANGED, culprit, "\n".join([message, *unawaited[:1]])
    if failure["kind"] == "remark":
        return Status.FIXED, Behaviour.KEPT, None, f"accepted, with a remark: {failure['remark']}"
    return Status.UNTOUCHED if _is_untouched(finding, folder) else Status.PRESENT, Behaviour.KEPT, culprit, message


def _unseen(tests: set[str]) -> Told:
    return error(
        f"the tests were skipped or broken off: nobody has seen that {_sentence(min(tests))}. "
        "Is there a pytest.skip or a pytest.exit?"
    )


def _is_untouched(finding: Finding, folder: Path) -> bool:
    """Whether the finding's code is that of the starter, formatting and comments aside, in a copy of it."""
    starter = project_root() / "starter"
    if folder == starter:
        return False
    try:
        return all(_tree(starter, location) == _tree(folder, location) for location in finding.where)
    except (OSError, SyntaxError, ValueError):
        return False  # another file of the finding's than the one that its tests import


def _tree(folder: Path, location: Location) -> str | None:
    node = location.find(folder)
    return None if node is None else ast.dump(node)


def _names_in(tests: Path) -> set[str]:
    """The names of the test functions in a file."""
    functions = (node for node in ast.walk(parse(tests.read_bytes())) if isinstance(node, _FUNCTIONS))
    return {function.name for function in functions if function.name.startswith("test_")}


def _sentence(test: str) -> str:
    """A test's name as the sentence it is: ``test_the_loop_beats[workspace]`` becomes ``the loop beats``."""
    return test.partition("[")[0].rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _culprit(entry: Mapping[str, Any]) -> Culprit | None:
    return Culprit(**entry["culprit"]) if entry["culprit"] else None
