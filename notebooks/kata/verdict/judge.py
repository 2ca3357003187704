"""Judges one finding in one package: starts the process, bounds it, and reads its log."""

from __future__ import annotations

import ast
import json
import signal
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kata.audit import Finding, Location, project_root
from kata.instruments.culprit import Culprit
from kata.verdict.environment import environment
from kata.verdict.model import Behaviour, Status, Verdict
from kata.verdict.preload import is_costly
from kata.verdict.process import Cold, Process
from kata.verdict.warm import Lost, begin, stay_warm

LIMIT = 25.0
"""Seconds that one judging may take: some ten times what it needs, for a machine that has ten things to do at once.
Twice as long where `preload.COSTLY` has to be imported."""

_LAST_WORDS = 2.0
"""Seconds to wait for the end of a dead process's output, which something that got away may still hold."""

MOST_OUTPUT = 8 * 1024 * 1024
"""Bytes that the code under test may print before it is stopped."""


def limit_of(finding: Finding) -> float:
    """Seconds that judging a finding may take."""
    return 2 * LIMIT if is_costly(finding) else LIMIT


def judge(finding: Finding, folder: Path, *, limit: float | None = None, warm: bool = True) -> Verdict:
    """Judge one finding in one package, in a fresh process.

    Args:
        finding: A finding that has tests.
        folder: The folder of the package.
        limit: Seconds until the process is stopped; None means those of `limit_of`.
        warm: Have the process forked by a server where that is possible (see `kata.verdict.warm`).
    """
    if limit is None:
        limit = limit_of(finding)
    start = time.perf_counter()
    try:
        told = _judged(finding, folder, limit, warm)
    except Lost:  # the server was killed, perhaps by a machine that is short of memory: once more, with another
        try:
            told = _judged(finding, folder, limit, warm)
        except Lost:
            told = _error("stopped: the process that had started it was killed, twice. Is there an os.kill?")
    if warm:
        stay_warm(finding)
    return Verdict(finding.id, *told, seconds=time.perf_counter() - start)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_Told = tuple[Status, Behaviour | None, Culprit | None, str]


def _judged(finding: Finding, folder: Path, limit: float, warm: bool) -> _Told:
    with tempfile.TemporaryDirectory(prefix="kata-judge-", ignore_cleanup_errors=True) as scratch:
        log = Path(scratch) / "log.jsonl"
        status, ending = _run(finding, folder, log, Path(scratch), limit, warm)
        entries = _read(log)
    return _verdict(finding, folder, entries, status, ending)


def _run(finding: Finding, folder: Path, log: Path, scratch: Path, limit: float, warm: bool) -> tuple[int, str]:
    """Run the process to its end; returns its exit status, and how it was ended, empty if it ended by itself.

    Raises:
        Lost: If nobody can say any more how it ended.
    """
    arguments, variables = [str(log), finding.tests, str(folder), str(limit - 2)], environment(scratch)
    process = begin(finding, arguments, variables) if warm else Cold(arguments, variables)
    flooded = threading.Event()
    reader = threading.Thread(target=_drain, args=(process, flooded), daemon=True)
    reader.start()
    status, ending = -signal.SIGKILL, ""
    try:
        status = process.wait(limit)
    except TimeoutError:
        ending = "limit"
    finally:
        process.close()
        reader.join(_LAST_WORDS)
    return status, "flood" if flooded.is_set() else ending


def _drain(process: Process, flooded: threading.Event) -> None:
    """Read what the process prints, to its end; kill it when that is too much."""
    total = 0
    with open(process.output, "rb", buffering=0) as output:
        while chunk := output.read(65536):
            total += len(chunk)
            if total > MOST_OUTPUT and not flooded.is_set():
                flooded.set()
                process.kill()


def _read(log: Path) -> list[dict[str, Any]]:
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            break  # the last line of a process that was killed while it wrote
    return entries


def _verdict(finding: Finding, folder: Path, entries: Sequence[Mapping[str, Any]], status: int, ending: str) -> _Told:
    last = next(
        (entry for entry in reversed(entries) if entry["event"] not in ("test", "passed", "skipped", "unawaited")), None
    )
    test = next((entry["name"] for entry in reversed(entries) if entry["event"] == "test"), None)
    while_ = f"while checking that {_sentence(test)}" if test else "while it was being started"
    if ending == "flood":
        return _error(f"stopped: it printed more than {MOST_OUTPUT // 2**20} MB {while_}. Is there a print in a loop?")
    tampered = next((entry["name"] for entry in entries if entry["event"] == "tampered"), None)
    if tampered is not None:
        return _error(f"stopped: the code under test replaces {tampered}, {while_}. What judges it must be left alone")
    if last is not None and last["event"] == "stuck":
        culprit = _culprit(last)
        where = f"at {culprit}" if culprit else "outside the package"
        return _error(f"stopped: it did not end, {while_}. It was {where}", culprit)
    if ending == "limit":
        return _error(f"stopped: it did not end, {while_}. A call that never gives way was running")
    if last is None or last["event"] != "end":
        if status < 0:
            return _error(f"the process was killed by signal {-status}, {while_}")
        return _error(f"the process ended by itself with exit status {status}, {while_}. Is there an os._exit?")
    return _told(finding, folder, entries, status)


def _told(finding: Finding, folder: Path, entries: Sequence[Mapping[str, Any]], status: int) -> _Told:
    failures = [entry for entry in entries if entry["event"] == "failed"]
    for entry in entries:
        if entry["event"] == "uncollected":
            return _error(f"the tests of finding {finding.id} cannot be imported: {entry['message']}")
        if entry["event"] == "interrupted":
            return _error("the tests were interrupted by a KeyboardInterrupt that nobody typed")
    if not failures and status != 0:
        return _error(f"the tests of finding {finding.id} could not be run (pytest's exit status {status})")
    if missing := _missing(finding, entries, broken_off=not failures):
        return _error(
            f"the tests were skipped or broken off: nobody has seen that {_sentence(min(missing))}. "
            "Is there a pytest.skip or a pytest.exit?"
        )
    if not failures:
        return Status.FIXED, Behaviour.KEPT, None, "the event loop turns, and the behaviour is kept"
    failure = failures[0]
    message, culprit = failure["message"], _culprit(failure)
    if failure["error"] in ("TargetDoesNotImport", "DidNotEnd"):
        return _error(message, culprit)
    if failure["kind"] == "behaviour" or failure["when"] != "call":
        unawaited = [entry["message"] for entry in entries if entry["event"] == "unawaited"]
        return Status.BROKEN, Behaviour.CHANGED, culprit, "\n".join([message, *unawaited[:1]])
    if failure["kind"] == "remark":
        return Status.FIXED, Behaviour.KEPT, None, f"accepted, with a remark: {failure['remark']}"
    return Status.UNTOUCHED if _is_untouched(finding, folder) else Status.PRESENT, Behaviour.KEPT, culprit, message


def _missing(finding: Finding, entries: Sequence[Mapping[str, Any]], *, broken_off: bool) -> set[str]:
    """The names of the tests that were skipped; and of those that did not pass, although none failed."""
    skipped = {entry["name"] for entry in entries if entry["event"] == "skipped"}
    if not broken_off:
        return skipped
    passed = {entry["name"] for entry in entries if entry["event"] == "passed"}
    return skipped | (_names_in(project_root() / finding.tests) - passed)


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
    functions = (node for node in ast.walk(ast.parse(tests.read_bytes())) if isinstance(node, _FUNCTIONS))
    return {function.name for function in functions if function.name.startswith("test_")}


def _sentence(test: str) -> str:
    """A test's name as the sentence it is: ``test_the_loop_beats[workspace]`` becomes ``the loop beats``."""
    return test.partition("[")[0].rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _culprit(entry: Mapping[str, Any]) -> Culprit | None:
    return Culprit(**entry["culprit"]) if entry["culprit"] else None


def _error(message: str, culprit: Culprit | None = None) -> _Told:
    return Status.ERROR, None, culprit, message
