"""The process in which one finding is judged: pytest on the finding's tests, and a log of what they saw.

The log is written line by line, so that the parent knows how far the judging came, however it ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, NoReturn

import pytest
import pytest_asyncio.plugin

from kata.audit import project_root
from kata.instruments.culprit import Place, Scope, stack_of
from kata.instruments.pulse import LoopBlocked
from kata.target import TargetDoesNotImport
from kata.verdict import pytest_plugin
from kata.verdict.claims import DidNotEnd, Wasteful
from kata.verdict.seal import Seal
from kata.verdict.trace import innermost, root_of, trimmed

STUCK = 70
"""Exit status of a process that gave up: EX_SOFTWARE of sysexits.h."""

_KINDS = ("behaviour", "finding", "remark")


class Log:
    """Lines of JSON, each written through at once.

    Attributes:
        number: That of the test that is running, among all tests of the finding; it goes into each line.
    """

    def __init__(self, path: Path) -> None:
        self.number = -1
        self._file = path.open("w", encoding="utf-8")
        self._pid = os.getpid()

    def write(self, **entry: Any) -> None:
        if os.getpid() == self._pid:  # a forked copy of this process has nothing to say
            self._file.write(json.dumps({"number": self.number, **entry}) + "\n")
            self._file.flush()


class Reporter:
    """A pytest plugin: behaviour before finding before remarks, one line in the log for each.

    Args:
        log: The log.
        folder: The folder of the package under test.
        turns: Where processes that share the tests say which they have taken; None if this one has them all.
    """

    def __init__(self, log: Log, folder: Path, turns: Path | None) -> None:
        self._log = log
        self._folder = folder
        self._turns = turns
        self._open, self._close, self._exit = os.open, os.close, os._exit

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: _KINDS.index(_kind(item)))
        self._numbers = {item.nodeid: number for number, item in enumerate(items)}
        self._log.write(event="tests", names=[_name(item) for item in items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._log.write(event="uncollected", message=report.longreprtext.strip().rpartition("\n")[2].lstrip("E "))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if excinfo.errisinstance(KeyboardInterrupt):  # and not pytest.exit, which leads here as well
            self._log.write(event="interrupted")

    def pytest_collection_finish(self) -> None:
        self._seal = Seal()  # nothing of the package under test has been imported yet

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Leave a test out that another process has taken; whoever is free takes the next one."""
        if self._turns is None:
            return None
        try:
            self._close(self._open(self._turns / str(self._numbers[item.nodeid]), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return True
        return None

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._log.number = self._numbers[nodeid]
        self._log.write(event="test", name=nodeid.partition("::")[2])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        if call.when == "teardown":
            self._look_at_the_seal()
        if call.when == "call" and report.passed:
            self._log.write(event="passed", name=_name(item))
        if call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception):
            self._log.write(event="skipped", name=_name(item))
        elif call.excinfo is not None:
            self._log.write(
                event="failed", kind=_kind(item), remark=_remark(item), **self._failure(call.excinfo.value, call.when)
            )
        return report

    def _look_at_the_seal(self) -> None:
        broken = self._seal.broken()
        if broken is not None:
            self._log.write(event="tampered", name=broken)
            self._exit(STUCK)  # from here on nothing that is said here can be believed

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Note a coroutine that the package under test makes and throws away: the most common slip there is."""
        said, scope = str(warning_message.message), Scope(self._folder)
        if said.endswith("was never awaited") and warning_message.filename in scope:
            place = scope.culprit(Place(warning_message.filename, warning_message.lineno, ""))
            self._log.write(event="unawaited", message=f"{place.file}:{place.line}: {said}")

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._log.write(event="end", status=int(exitstatus))

    def _failure(self, error: BaseException, when: str) -> dict[str, Any]:
        if isinstance(error, LoopBlocked):
            message, culprit = error.summary, error.culprit
        elif isinstance(error, Wasteful):
            message, culprit = str(error), error.culprit
        elif isinstance(error, DidNotEnd | TargetDoesNotImport):
            root = root_of(error)
            message, culprit = f"{error}\n{trimmed(root, self._folder)}", innermost(root, self._folder)
        elif isinstance(error, AssertionError):
            message, culprit = str(error), None
        else:
            message, culprit = trimmed(error, self._folder), innermost(error, self._folder)
        return {
            "when": when,
            "error": type(error).__name__,
            "message": message,
            "culprit": culprit.as_dict() if culprit else None,
        }


def _name(item: pytest.Item) -> str:
    """The name of the test function, without its parameters."""
    return item.name.partition("[")[0]


def _kind(item: pytest.Item) -> str:
    return next((kind for kind in _KINDS if item.get_closest_marker(kind)), "behaviour")


def _remark(item: pytest.Item) -> str | None:
    mark = item.get_closest_marker("remark")
    return mark.args[1] if mark else None


def _give_up(log: Log, folder: Path, thread: int) -> None:
    """Say where the main thread stands, and end the process, whatever it is waiting for."""
    scope = Scope(folder)
    frame = scope.innermost(stack_of(thread))
    log.write(event="stuck", culprit=scope.culprit(Place.of(frame)).as_dict() if frame else None)
    os._exit(STUCK)


def main(log_path: str, tests: str, folder_path: str, limit: str, turns: str = "") -> int:
    """Judge one finding.

    Args:
        log_path: Where the log goes.
        tests: The file of the finding's tests, below the project's root.
        folder_path: The folder of the package under test.
        limit: Seconds until the process gives up.
        turns: The folder by which processes share the tests, or an empty string; see `Reporter`.
    """
    log, folder = Log(Path(log_path)), Path(folder_path)
    watchdog = threading.Timer(float(limit), _give_up, (log, folder, threading.get_ident()))
    watchdog.daemon = True
    watchdog.start()
    status = pytest.main(
        [
            f"{project_root() / tests}",
            f"--target={folder}",
            f"--rootdir={project_root()}",
            f"--confcutdir={project_root()}",
            f"--config-file={Path(__file__).with_name('judge.ini')}",
            "--exitfirst",
        ],
        # not by their names, for which pytest would look through the metadata of all packages
        plugins=[pytest_asyncio.plugin, pytest_plugin, Reporter(log, folder, Path(turns) if turns else None)],
    )
    return int(status)


def run(log_path: str, tests: str, folder_path: str, limit: str, turns: str) -> NoReturn:
    """The same, and the process's end."""
    status = main(log_path, tests, folder_path, limit, turns)
    os._exit(status)  # taking the interpreter apart would cost a tenth of the time


if __name__ == "__main__":
    run(*sys.argv[1:])
